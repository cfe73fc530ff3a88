// What the client and the log get after a rule has matched, or none has.
#include "proxy/hba/evaluate/evaluation.h"
#include "tests/support/catch.h"
#include "tests/support/rule_builders.h"

#include <string>

namespace pgmoat::tests {
namespace {

using hba::Candidate;
using hba::ClientCert;
using hba::Decision;
using hba::Method;
using hba::Rule;
using hba::Verdict;
using Type = hba::RecordType;

Decision decide_one(const Rule& rule, const Candidate& candidate) {
    static hba::Rules rules; // the decision points into it
    rules = rules_of({rule});
    return decide(rules, candidate);
}

bool allowed(const Rule& rule, const Candidate& candidate) {
    return decide_one(rule, candidate).verdict == Verdict::allow;
}

RuleBuilder hostssl(Method method) {
    return RuleBuilder(Type::hostssl).method(method);
}

const std::string matched = "Connection matched file \"pg_hba.conf\" line 1: \"line 1\"";

TEST_CASE("a rejection names host, user, database and encryption") {
    const Rule rule = RuleBuilder().method(Method::reject);
    const std::string whom = "pg_hba.conf rejects connection for host \"10.0.0.1\", user "
                             "\"alice\", database \"sales\", ";
    CHECK(decide_one(rule, CandidateBuilder()).message == whom + "no encryption");
    CHECK(decide_one(rule, CandidateBuilder().tls()).message == whom + "SSL encryption");
    CHECK(decide_one(rule, CandidateBuilder().gss()).message == whom + "GSS encryption");
    CHECK(decide_one(rule, CandidateBuilder()).sqlstate == "28000");
    CHECK(decide_one(rule, CandidateBuilder()).log_detail == matched);
}

TEST_CASE("a unix socket is the host [local]") {
    const Rule rule = RuleBuilder(Type::local).method(Method::reject);
    CHECK(decide_one(rule, CandidateBuilder().unix_socket()).message ==
          "pg_hba.conf rejects connection for host \"[local]\", user \"alice\", database "
          "\"sales\", no encryption");
}

TEST_CASE("a rejection of physical replication names no database") {
    const Rule rule = RuleBuilder().databases({"replication"}).method(Method::reject);
    CHECK(decide_one(rule, CandidateBuilder().physical_replication()).message ==
          "pg_hba.conf rejects replication connection for host \"10.0.0.1\", user \"alice\", no "
          "encryption");
}

TEST_CASE("where no rule matches there is no entry") {
    const Rule rule = RuleBuilder().users({"bob"});
    const Decision decision = decide_one(rule, CandidateBuilder().tls());
    CHECK(decision.verdict == Verdict::no_entry);
    CHECK(decision.sqlstate == "28000");
    CHECK(decision.message ==
          "no pg_hba.conf entry for host \"10.0.0.1\", user \"alice\", database "
          "\"sales\", SSL encryption");
    CHECK(decision.log_detail.empty());
    CHECK(decide_one(rule, CandidateBuilder().physical_replication()).message ==
          "no pg_hba.conf entry for replication connection from host \"10.0.0.1\", user \"alice\", "
          "no encryption");
}

TEST_CASE("in passthrough no user name is known") {
    const Candidate candidate = CandidateBuilder().tls().passthrough();
    CHECK(decide_one(RuleBuilder().method(Method::reject), candidate).message ==
          "pg_hba.conf rejects connection for host \"10.0.0.1\", SSL encryption");
}

TEST_CASE("a client certificate cannot be wanted where no CA is loaded, even by reject") {
    for (const Method method : {Method::trust, Method::reject, Method::cert}) {
        const Rule rule = hostssl(method).client_cert(ClientCert::verify_ca);
        const Decision decision = decide_one(rule, CandidateBuilder().tls());
        CHECK(decision.sqlstate == "F0000");
        CHECK(decision.message == "client certificates can only be checked if a root certificate "
                                  "store is available");
    }
}

TEST_CASE("a client without a certificate gets that error, even from reject") {
    for (const Method method : {Method::trust, Method::reject, Method::cert}) {
        const Rule rule = hostssl(method).client_cert(ClientCert::verify_ca);
        const Decision decision = decide_one(rule, CandidateBuilder().tls().ca());
        CHECK(decision.sqlstate == "28000");
        CHECK(decision.message == "connection requires a valid client certificate");
        CHECK(decision.log_detail == matched);
    }
}

TEST_CASE("clientcert=verify-ca takes any verified certificate") {
    const Rule rule = hostssl(Method::trust).client_cert(ClientCert::verify_ca);
    CHECK(allowed(rule, CandidateBuilder().certificate("bob")));
}

TEST_CASE("the method cert compares the common name with the user") {
    CHECK(allowed(hostssl(Method::cert), CandidateBuilder().certificate("alice")));
    const Decision decision =
        decide_one(hostssl(Method::cert), CandidateBuilder().certificate("bob"));
    CHECK(decision.sqlstate == "28000");
    CHECK(decision.message == "certificate authentication failed for user \"alice\"");
    CHECK(decision.log_detail ==
          "provided user name (alice) and authenticated user name (bob) do not match\n" + matched);
}

TEST_CASE("a common name is compared whole, however long") {
    const std::string user(63, 'a');
    CHECK_FALSE(
        allowed(hostssl(Method::cert), CandidateBuilder().user(user).certificate(user + "b")));
}

TEST_CASE("clientname=DN compares the subject in the form of RFC 2253") {
    const Rule rule = hostssl(Method::cert).client_name(hba::ClientName::distinguished_name);
    CHECK(allowed(rule, CandidateBuilder().user("CN=x,O=z").certificate("x", "CN=x,O=z")));
    CHECK_FALSE(allowed(rule, CandidateBuilder().user("x").certificate("x", "CN=x,O=z")));
}

TEST_CASE("a certificate without a name matches no user") {
    const Decision decision =
        decide_one(hostssl(Method::cert), CandidateBuilder().user("").certificate(""));
    CHECK(decision.verdict == Verdict::deny);
    CHECK(decision.log_detail == "certificate authentication failed for user \"\": client "
                                 "certificate contains no user name\n" +
                                     matched);
}

TEST_CASE("the method cert takes a map") {
    auto rules = rules_of({hostssl(Method::cert).map("m")});
    rules.ident = {ident_line("m", "/^(.*)@example\\.com$", "\\1")};
    const Candidate alice = CandidateBuilder().certificate("alice@example.com");
    const Candidate bob = CandidateBuilder().certificate("bob@example.com");
    CHECK(decide(rules, alice).verdict == Verdict::allow);
    CHECK(decide(rules, bob).verdict == Verdict::deny);
}

TEST_CASE("clientcert=verify-full has its method's error if the name is wrong") {
    struct Case {
        Method method;
        std::string sqlstate;
        std::string begin;
    };
    const Case cases[] = {
        {Method::trust, "28000", "\"trust\""},
        {Method::scram_sha_256, "28P01", "password"},
        {Method::md5, "28P01", "password"},
        {Method::password, "28P01", "password"},
        {Method::gss, "28000", "GSSAPI"},
        {Method::sspi, "28000", "SSPI"},
        {Method::ident, "28000", "Ident"},
        {Method::ldap, "28000", "LDAP"},
        {Method::radius, "28000", "RADIUS"},
        {Method::pam, "28000", "PAM"},
        {Method::bsd, "28000", "BSD"},
        {Method::oauth, "28000", "OAuth bearer"},
    };
    for (const Case& row : cases) {
        const Rule rule = hostssl(row.method).client_cert(ClientCert::verify_full);
        CHECK(allowed(rule, CandidateBuilder().certificate("alice")));
        const Decision decision = decide_one(rule, CandidateBuilder().certificate("bob"));
        CHECK(decision.sqlstate == row.sqlstate);
        CHECK(decision.message == row.begin + " authentication failed for user \"alice\"");
        CHECK(decision.log_detail ==
              "provided user name (alice) and authenticated user name (bob) do not match\n"
              "certificate validation (clientcert=verify-full) failed for user \"alice\": CN "
              "mismatch\n" +
                  matched);
    }
}

TEST_CASE("a wrong distinguished name is a DN mismatch") {
    const Rule rule = hostssl(Method::trust)
                          .client_cert(ClientCert::verify_full)
                          .client_name(hba::ClientName::distinguished_name);
    const Decision decision = decide_one(rule, CandidateBuilder().certificate("alice", "CN=alice"));
    CHECK(decision.log_detail.find(": DN mismatch\n") != std::string::npos);
}

TEST_CASE("peer and local ident compare the system user with the user") {
    for (const Method method : {Method::peer, Method::ident}) {
        const Rule rule = RuleBuilder(Type::local).method(method);
        CHECK(allowed(rule, CandidateBuilder().system_user("alice")));
        const Decision decision = decide_one(rule, CandidateBuilder().system_user("bob"));
        CHECK(decision.sqlstate == "28000");
        CHECK(decision.message == "Peer authentication failed for user \"alice\"");
        CHECK_FALSE(allowed(rule, CandidateBuilder().unix_socket()));
    }
}

TEST_CASE("ident over TCP and other methods are the server's matter") {
    for (const Method method : {Method::trust, Method::scram_sha_256, Method::ident, Method::ldap})
        CHECK(allowed(RuleBuilder().method(method), CandidateBuilder()));
}

TEST_CASE("a decision counts with its rule, and none with the lack of one") {
    const auto rules = rules_of({RuleBuilder().users({"alice"}),
                                 RuleBuilder().users({"bob"}).method(Method::reject),
                                 RuleBuilder().users({"eve"}).demands({"TLSv1.3", {}, {}})});
    hba::count(rules, decide(rules, CandidateBuilder()), 100);
    hba::count(rules, decide(rules, CandidateBuilder()), 101);
    hba::count(rules, decide(rules, CandidateBuilder().user("bob")), 102);
    hba::count(rules, decide(rules, CandidateBuilder().user("eve")), 103);
    hba::count(rules, decide(rules, CandidateBuilder().user("mallory")), 104);
    CHECK(rules.rules[0].stats->allowed == 2);
    CHECK(rules.rules[0].stats->last_hit == 101);
    CHECK(rules.rules[1].stats->denied == 1);
    CHECK(rules.rules[2].stats->demand_unmet == 1);
    CHECK(rules.rules[2].stats->denied == 0);
    CHECK(rules.no_entry->denied == 1);
    CHECK(rules.no_entry->last_hit == 104);
}

TEST_CASE("each verdict has a word of its own") {
    CHECK(hba::to_word(Verdict::allow) == "allow");
    CHECK(hba::to_word(Verdict::deny) == "deny");
    CHECK(hba::to_word(Verdict::no_entry) == "no_entry");
    CHECK(hba::to_word(Verdict::demand_unmet) == "demand_unmet");
}

} // namespace
} // namespace pgmoat::tests
