// tls_min, tls_ciphers and tls_groups: what a matched connection must use.
#include "proxy/hba/evaluate/evaluation.h"
#include "tests/support/catch.h"
#include "tests/support/rule_builders.h"

#include <string>

namespace pgmoat::tests {
namespace {

using hba::Candidate;
using hba::Decision;
using hba::Demands;
using hba::Rule;
using hba::Verdict;

// The client's error; empty: the demands are met.
std::string refusal(const Demands& demands, const Candidate& candidate) {
    const Rule rule = RuleBuilder().demands(demands);
    const auto decision = hba::check_demands(rule, candidate);
    if (!decision) return {};
    CHECK(decision->verdict == Verdict::demand_unmet);
    CHECK(decision->sqlstate == "28000");
    return decision->message;
}

TEST_CASE("every connection meets a rule without demands") {
    CHECK(refusal({}, CandidateBuilder()).empty());
}

TEST_CASE("tls_min takes its own version and those above") {
    CHECK(refusal({"TLSv1.2", {}, {}}, CandidateBuilder().tls("TLSv1.2")).empty());
    CHECK(refusal({"TLSv1.2", {}, {}}, CandidateBuilder().tls("TLSv1.3")).empty());
    CHECK(refusal({"TLSv1.3", {}, {}}, CandidateBuilder().tls("TLSv1.2")) ==
          "connection uses TLSv1.2, but pg_hba.conf demands at least TLSv1.3");
    CHECK(refusal({"TLSv1.1", {}, {}}, CandidateBuilder().tls("TLSv1")) ==
          "connection uses TLSv1, but pg_hba.conf demands at least TLSv1.1");
}

TEST_CASE("an unknown version meets no demand") {
    CHECK_FALSE(refusal({"TLSv1.2", {}, {}}, CandidateBuilder().tls("other")).empty());
    CHECK(refusal({"TLSv1.2", {}, {}}, CandidateBuilder().tls("")) ==
          "connection uses unknown, but pg_hba.conf demands at least TLSv1.2");
    CHECK_FALSE(refusal({"TLSv9", {}, {}}, CandidateBuilder().tls("TLSv1.3")).empty());
}

TEST_CASE("the cipher must be among those demanded") {
    const Candidate weak = CandidateBuilder().tls("TLSv1.2", "AES128-SHA");
    CHECK(refusal({{}, {"A", "AES128-SHA"}, {}}, weak).empty());
    CHECK(refusal({{}, {"A", "B"}, {}}, weak) ==
          "connection uses cipher AES128-SHA, but pg_hba.conf demands one of A, B");
    CHECK(refusal({{}, {"A"}, {}}, weak) ==
          "connection uses cipher AES128-SHA, but pg_hba.conf demands A");
}

TEST_CASE("the group must be among those demanded, and there must be one") {
    const Demands demands{{}, {}, {"X25519"}};
    CHECK(refusal(demands, CandidateBuilder().tls()).empty());
    CHECK(refusal(demands, CandidateBuilder().tls("TLSv1.3", "C", "prime256v1")) ==
          "connection uses key exchange group prime256v1, but pg_hba.conf demands X25519");
    CHECK(refusal(demands, CandidateBuilder().tls("TLSv1.2", "C", "")) ==
          "connection uses key exchange group unknown, but pg_hba.conf demands X25519");
}

TEST_CASE("any demand requires TLS") {
    const std::string end = ", but pg_hba.conf requires TLS";
    CHECK(refusal({"TLSv1", {}, {}}, CandidateBuilder()) == "connection uses no encryption" + end);
    CHECK(refusal({{}, {}, {"X25519"}}, CandidateBuilder().gss()) ==
          "connection uses GSS encryption" + end);
}

TEST_CASE("an unmet demand ends the search; the log names the rule") {
    const auto rules = rules_of({RuleBuilder().demands({"TLSv1.3", {}, {}}), RuleBuilder()});
    const Decision decision = decide(rules, CandidateBuilder().tls("TLSv1.2"));
    CHECK(decision.verdict == Verdict::demand_unmet);
    CHECK(deciding_rule(decision) == 1);
    CHECK(decision.log_detail == "Connection matched file \"pg_hba.conf\" line 1: \"line 1\"");
}

TEST_CASE("in passthrough demands wait for the server's choice, without TLS they do not") {
    const auto rules = rules_of({RuleBuilder().demands({"TLSv1.3", {}, {}})});
    CHECK(decide(rules, CandidateBuilder().tls("").passthrough()).verdict == Verdict::allow);
    CHECK(decide(rules, CandidateBuilder().passthrough()).verdict == Verdict::demand_unmet);
}

TEST_CASE("reject rejects before demands are looked at") {
    const auto rules =
        rules_of({RuleBuilder().method(hba::Method::reject).demands({"TLSv1.3", {}, {}})});
    CHECK(decide(rules, CandidateBuilder()).verdict == Verdict::deny);
}

} // namespace
} // namespace pgmoat::tests
