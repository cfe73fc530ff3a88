// Which questions an evaluation asks, when, and how it uses the answers.
#include "proxy/hba/evaluate/evaluation.h"
#include "tests/support/catch.h"
#include "tests/support/rule_builders.h"

#include <string>
#include <vector>

namespace pgmoat::tests {
namespace {

using hba::Decision;
using hba::Question;
using hba::Rule;
using hba::Verdict;
using Asked = std::vector<Question>;
using Type = hba::RecordType;

Oracle resolver(const std::string& name, bool forward_matches) {
    Oracle oracle;
    oracle.host_name.name = name;
    oracle.host_name.forward_matches = forward_matches;
    return oracle;
}

Oracle directory(std::set<std::string> roles) {
    Oracle oracle;
    oracle.roles.roles = std::move(roles);
    return oracle;
}

Asked asked(std::vector<Rule> list, const hba::Candidate& candidate) {
    Oracle oracle;
    const auto rules = rules_of(std::move(list));
    (void)decide(rules, candidate, oracle);
    return oracle.asked;
}

unsigned rule_found(std::vector<Rule> list, Oracle oracle) {
    const auto rules = rules_of(std::move(list));
    return deciding_rule(decide(rules, CandidateBuilder(), oracle));
}

TEST_CASE("nothing is asked before the rule that needs it is reached") {
    CHECK(asked({RuleBuilder(), RuleBuilder().from_host("a.example.com")}, CandidateBuilder())
              .empty());
    CHECK(asked({RuleBuilder(), RuleBuilder().users({"+staff"})}, CandidateBuilder()).empty());
    CHECK(
        asked({RuleBuilder(), RuleBuilder().address(hba::SameNet{})}, CandidateBuilder()).empty());
}

TEST_CASE("the system user is asked for when a peer rule is reached, and only then") {
    const hba::Candidate local = CandidateBuilder().peer_uid(1000);
    const Rule peer = RuleBuilder(Type::local).method(hba::Method::peer);
    const Rule trust = RuleBuilder(Type::local).method(hba::Method::trust);
    CHECK(asked({trust, peer}, local).empty());
    CHECK(asked({peer}, local) == Asked{Question::system_user});
    Oracle oracle;
    oracle.system_user.name = "alice";
    const auto rules = rules_of({peer});
    const Decision let_in = decide(rules, local, oracle);
    CHECK_FALSE(let_in.refuses());
    CHECK(let_in.system_user == "alice");
    Oracle silent;
    silent.system_user.error = "the directory is down";
    const Decision refused = decide(rules, local, silent);
    CHECK(refused.sqlstate == "28000");
    CHECK(refused.log_detail.find("could not look up local user ID 1000: the directory is down") !=
          std::string::npos);
}

TEST_CASE("nothing is asked where the answer cannot matter") {
    const hba::Candidate clear = CandidateBuilder();
    CHECK(asked({RuleBuilder(Type::hostssl).from_host("a")}, clear).empty());
    CHECK(asked({RuleBuilder().from_host("a").databases({"hr"})}, clear).empty());
    CHECK(asked({RuleBuilder().from_host("a").users({"bob"})}, clear).empty());
    CHECK(asked({RuleBuilder().users({"+staff"}).from("192.168.0.0/16")}, clear).empty());
    CHECK(asked({RuleBuilder().users({"+staff"}).databases({"hr"})}, clear).empty());
    CHECK(asked({RuleBuilder().users({"+staff", "alice"})}, clear).empty());
    CHECK(asked({RuleBuilder().databases({"samerole"}).users({"bob"})}, clear).empty());
    CHECK(asked({RuleBuilder().sni("x").users({"+staff"})}, clear).empty());
}

TEST_CASE("each question is asked once") {
    CHECK(asked({RuleBuilder().from_host("a"),
                 RuleBuilder().users({"+x"}),
                 RuleBuilder().from_host("b").users({"+y"}),
                 RuleBuilder().databases({"samerole"}),
                 RuleBuilder().address(hba::SameHost{}),
                 RuleBuilder().address(hba::SameNet{})},
                CandidateBuilder()) ==
          Asked{Question::client_host_name, Question::user_roles, Question::own_interfaces});
}

TEST_CASE("the name of a client counts only when it leads back to the address") {
    const std::vector<Rule> rules{RuleBuilder().from_host("web.example.com")};
    CHECK(rule_found(rules, resolver("web.example.com", true)) == 1);
    CHECK(rule_found(rules, resolver("WEB.example.COM", true)) == 1);
    CHECK(rule_found(rules, resolver("web.example.com", false)) == 0);
    CHECK(rule_found(rules, resolver("db.example.com", true)) == 0);
    CHECK(rule_found(rules, resolver("", true)) == 0);
}

TEST_CASE("a suffix wants a name below it") {
    const std::vector<Rule> rules{RuleBuilder().from_host(".example.com")};
    CHECK(rule_found(rules, resolver("a.b.example.com", true)) == 1);
    CHECK(rule_found(rules, resolver("example.com", true)) == 0);
    CHECK(rule_found(rules, resolver("badexample.com", true)) == 0);
}

TEST_CASE("the log has the result of the lookup") {
    const auto rules = rules_of({RuleBuilder().from_host("web")});
    const auto log = [&](Oracle oracle) {
        return decide(rules, CandidateBuilder(), oracle).log_detail;
    };
    CHECK(log(resolver("db", true)) ==
          "Client IP address resolved to \"db\", forward lookup not checked.");
    CHECK(log(resolver("web", false)) ==
          "Client IP address resolved to \"web\", forward lookup does not match.");
    Oracle no_name = resolver("", false);
    no_name.host_name.reverse_error = "Name or service not known";
    CHECK(log(no_name) ==
          "Could not resolve client IP address to a host name: Name or service not known.");
    Oracle no_address = resolver("web", false);
    no_address.host_name.forward_error = "No address associated with hostname";
    CHECK(log(no_address) == "Could not translate client host name \"web\" to IP address: No "
                             "address associated with hostname.");
}

TEST_CASE("a refusal by a rule tells of the rule and of the lookup") {
    const auto rules = rules_of({RuleBuilder().from_host("web").method(hba::Method::reject)});
    Oracle oracle = resolver("web", true);
    CHECK(decide(rules, CandidateBuilder(), oracle).log_detail ==
          "Connection matched file \"pg_hba.conf\" line 1: \"line 1\"\n"
          "Client IP address resolved to \"web\", forward lookup matches.");
}

TEST_CASE("+role and samerole want a member") {
    CHECK(rule_found({RuleBuilder().users({"+staff"})}, directory({"alice", "staff"})) == 1);
    CHECK(rule_found({RuleBuilder().users({"+staff"})}, directory({"alice"})) == 0);
    CHECK(rule_found({RuleBuilder().databases({"samerole"})}, directory({"alice", "sales"})) == 1);
    CHECK(rule_found({RuleBuilder().databases({"samerole"})}, directory({"alice"})) == 0);
}

TEST_CASE("an unknown user is a member of nothing, not even of its own name") {
    CHECK(rule_found({RuleBuilder().users({"+alice"})}, directory({})) == 0);
}

TEST_CASE("roles that cannot be had refuse the connection and send it elsewhere") {
    const auto rules = rules_of({RuleBuilder().users({"+staff"}), RuleBuilder()});
    Oracle oracle;
    oracle.roles.error = "timeout";
    const Decision decision = decide(rules, CandidateBuilder(), oracle);
    CHECK(decision.verdict == Verdict::deny);
    CHECK(decision.sqlstate == "57P03");
    CHECK(decision.message == "the roles of the user cannot be determined");
    CHECK(decision.log_detail == "could not determine the roles of the user: timeout\n"
                                 "Connection matched file \"pg_hba.conf\" line 1: \"line 1\"");
}

TEST_CASE("samehost is an own address, samenet an own network") {
    Oracle oracle;
    oracle.interfaces.networks = {range_of("127.0.0.1/8"), range_of("10.0.0.1/24")};
    const auto found = [&](hba::AddressMatch match, const std::string& from) {
        Oracle own = oracle;
        const auto rules = rules_of({RuleBuilder().address(std::move(match))});
        return deciding_rule(decide(rules, CandidateBuilder().from(from), own)) == 1;
    };
    CHECK(found(hba::SameHost{}, "10.0.0.1"));
    CHECK_FALSE(found(hba::SameHost{}, "10.0.0.2"));
    CHECK(found(hba::SameNet{}, "10.0.0.2"));
    CHECK_FALSE(found(hba::SameNet{}, "10.0.1.2"));
    CHECK_FALSE(found(hba::SameNet{}, "::1"));
}

TEST_CASE("pg_ident.conf may ask for roles, too") {
    auto rules = rules_of({RuleBuilder(Type::local).method(hba::Method::peer).map("m")});
    rules.ident = {ident_line("m", "root", "+staff")};
    Oracle oracle = directory({"alice", "staff"});
    CHECK(decide(rules, CandidateBuilder().system_user("root"), oracle).verdict == Verdict::allow);
    CHECK(oracle.asked == Asked{Question::user_roles});
}

} // namespace
} // namespace pgmoat::tests
