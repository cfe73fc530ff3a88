// Which rule decides: one table for types, addresses, databases, users and server names.
#include "proxy/hba/evaluate/evaluation.h"
#include "proxy/hba/server_name.h"
#include "tests/support/catch.h"
#include "tests/support/rule_builders.h"

#include <string>
#include <vector>

namespace pgmoat::tests {
namespace {

using hba::Candidate;
using hba::Decision;
using hba::RecordType;
using hba::Rule;
using Type = hba::RecordType;

bool matches(const Rule& rule, const Candidate& candidate) {
    return deciding_rule(decide(rules_of({rule}), candidate)) == 1;
}

struct Case {
    std::string what;
    Rule rule;
    Candidate candidate;
    bool expected;
};

void check(const std::vector<Case>& cases) {
    for (const Case& row : cases) {
        INFO(row.what);
        CHECK(matches(row.rule, row.candidate) == row.expected);
    }
}

TEST_CASE("a record type matches its own kind of connection") {
    const Candidate local = CandidateBuilder().unix_socket();
    const Candidate clear = CandidateBuilder();
    const Candidate tls = CandidateBuilder().tls();
    const Candidate gss = CandidateBuilder().gss();
    check({
        {"local, unix socket", RuleBuilder(Type::local), local, true},
        {"local, TCP", RuleBuilder(Type::local), clear, false},
        {"host, unix socket", RuleBuilder(Type::host), local, false},
        {"host, clear", RuleBuilder(Type::host), clear, true},
        {"host, TLS", RuleBuilder(Type::host), tls, true},
        {"host, GSS", RuleBuilder(Type::host), gss, true},
        {"hostssl, unix socket", RuleBuilder(Type::hostssl), local, false},
        {"hostssl, clear", RuleBuilder(Type::hostssl), clear, false},
        {"hostssl, TLS", RuleBuilder(Type::hostssl), tls, true},
        {"hostssl, GSS", RuleBuilder(Type::hostssl), gss, false},
        {"hostnossl, clear", RuleBuilder(Type::hostnossl), clear, true},
        {"hostnossl, TLS", RuleBuilder(Type::hostnossl), tls, false},
        {"hostnossl, GSS", RuleBuilder(Type::hostnossl), gss, true},
        {"hostgssenc, clear", RuleBuilder(Type::hostgssenc), clear, false},
        {"hostgssenc, TLS", RuleBuilder(Type::hostgssenc), tls, false},
        {"hostgssenc, GSS", RuleBuilder(Type::hostgssenc), gss, true},
        {"hostnogssenc, clear", RuleBuilder(Type::hostnogssenc), clear, true},
        {"hostnogssenc, TLS", RuleBuilder(Type::hostnogssenc), tls, true},
        {"hostnogssenc, GSS", RuleBuilder(Type::hostnogssenc), gss, false},
        {"hostnogssenc, unix socket", RuleBuilder(Type::hostnogssenc), local, false},
    });
}

TEST_CASE("an address range holds addresses of its own family only") {
    hba::AddressRange holes = range_of("10.0.0.1/8");
    holes.mask.bytes = {255, 0, 0, 255};
    check({
        {"inside", RuleBuilder().from("10.0.0.0/8"), CandidateBuilder().from("10.9.9.9"), true},
        {"outside", RuleBuilder().from("10.0.0.0/8"), CandidateBuilder().from("11.0.0.1"), false},
        {"host bits", RuleBuilder().from("10.1.2.3/8"), CandidateBuilder().from("10.9.9.9"), true},
        {"one", RuleBuilder().from("10.0.0.1/32"), CandidateBuilder().from("10.0.0.1"), true},
        {"its neighbour",
         RuleBuilder().from("10.0.0.1/32"),
         CandidateBuilder().from("10.0.0.2"),
         false},
        {"all of IPv4", RuleBuilder().from("0.0.0.0/0"), CandidateBuilder().from("1.2.3.4"), true},
        {"IPv6 is none of it",
         RuleBuilder().from("0.0.0.0/0"),
         CandidateBuilder().from("::1"),
         false},
        {"all of IPv6", RuleBuilder().from("::/0"), CandidateBuilder().from("2001:db8::1"), true},
        {"IPv4 is none of it",
         RuleBuilder().from("::/0"),
         CandidateBuilder().from("1.2.3.4"),
         false},
        {"a mapped range",
         RuleBuilder().from("::ffff:10.0.0.0/104"),
         CandidateBuilder().from("10.0.0.1"),
         false},
        {"behind 64 bits",
         RuleBuilder().from("2001:db8::1/128"),
         CandidateBuilder().from("2001:db8::2"),
         false},
        {"IPv6 prefix",
         RuleBuilder().from("2001:db8::/32"),
         CandidateBuilder().from("2001:db8:1::2"),
         true},
        {"mask with holes, inside",
         RuleBuilder().address(holes),
         CandidateBuilder().from("10.7.7.1"),
         true},
        {"mask with holes, outside",
         RuleBuilder().address(holes),
         CandidateBuilder().from("10.7.7.2"),
         false},
        {"all", RuleBuilder(), CandidateBuilder().from("::1"), true},
    });
}

TEST_CASE("a database list matches by any of its tokens") {
    const Candidate sales = CandidateBuilder();
    const Candidate own = CandidateBuilder().database("alice");
    check({
        {"exact", RuleBuilder().databases({"sales"}), sales, true},
        {"another", RuleBuilder().databases({"hr"}), sales, false},
        {"case counts", RuleBuilder().databases({"Sales"}), sales, false},
        {"second token", RuleBuilder().databases({"hr", "sales"}), sales, true},
        {"regex is not anchored", RuleBuilder().databases({"/ale"}), sales, true},
        {"anchored by hand", RuleBuilder().databases({"/^ale"}), sales, false},
        {"sameuser", RuleBuilder().databases({"sameuser"}), own, true},
        {"sameuser, another database", RuleBuilder().databases({"sameuser"}), sales, false},
        {"no token at all", RuleBuilder().databases({}), sales, false},
    });
}

TEST_CASE("`replication` matches physical replication and nothing else does") {
    const Candidate physical = CandidateBuilder().physical_replication();
    const Candidate logical = CandidateBuilder().logical_replication();
    const Candidate namesake = CandidateBuilder().database("replication");
    check({
        {"keyword", RuleBuilder().databases({"replication"}), physical, true},
        {"in a list", RuleBuilder().databases({"sales", "replication"}), physical, true},
        {"all", RuleBuilder(), physical, false},
        {"regex", RuleBuilder().databases({"/"}), physical, false},
        {"sameuser", RuleBuilder().databases({"sameuser"}), physical, false},
        {"a name", RuleBuilder().databases({"sales"}), physical, false},
        {"logical is no physical", RuleBuilder().databases({"replication"}), logical, false},
        {"logical is a database", RuleBuilder().databases({"sales"}), logical, true},
        {"nor a database of that name", RuleBuilder().databases({"replication"}), namesake, false},
    });
}

TEST_CASE("a user list matches by any of its tokens") {
    const Candidate alice = CandidateBuilder();
    check({
        {"exact", RuleBuilder().users({"alice"}), alice, true},
        {"another", RuleBuilder().users({"bob"}), alice, false},
        {"second token", RuleBuilder().users({"bob", "alice"}), alice, true},
        {"regex", RuleBuilder().users({"/^a.*e$"}), alice, true},
        {"all", RuleBuilder().users({"all"}), alice, true},
    });
}

TEST_CASE("a server name is part of the match") {
    const auto named = [](const std::string& name) -> Candidate {
        return CandidateBuilder().tls().server_name(name);
    };
    const Rule one = RuleBuilder().sni("db.example.com");
    const Rule below = RuleBuilder().sni("*.example.com");
    const Rule tenants = RuleBuilder().sni("/^t[0-9]+\\.example\\.com$");
    const Rule anything = RuleBuilder().sni("/.*");
    check({
        {"expression", tenants, named("t17.example.com"), true},
        {"expression, case does not count", tenants, named("T17.Example.COM"), true},
        {"expression, another name", tenants, named("t17.example.com.evil.org"), false},
        {"expression, no name", anything, named(""), false},
        {"expression, in the clear", anything, CandidateBuilder(), false},
        {"equal", one, named("db.example.com"), true},
        {"case does not count", one, named("DB.Example.com"), true},
        {"another", one, named("db2.example.com"), false},
        {"none", one, named(""), false},
        {"in the clear", one, CandidateBuilder(), false},
        {"wildcard", below, named("db.example.com"), true},
        {"two labels", below, named("a.db.example.com"), false},
        {"no label", below, named("example.com"), false},
        {"empty label", below, named(".example.com"), false},
    });
}

TEST_CASE("the first rule that matches decides, and no later one") {
    const auto rules = rules_of(
        {RuleBuilder().users({"bob"}), RuleBuilder().method(hba::Method::reject), RuleBuilder()});
    const Decision decision = decide(rules, CandidateBuilder());
    CHECK(deciding_rule(decision) == 2);
    CHECK(decision.verdict == hba::Verdict::deny);
}

TEST_CASE("an allowed connection goes where its rule says") {
    const auto rules = rules_of({RuleBuilder().upstream("reports")});
    const Decision decision = decide(rules, CandidateBuilder());
    CHECK(decision.verdict == hba::Verdict::allow);
    CHECK(decision.upstream == "reports");
    CHECK(decision.message.empty());
}

TEST_CASE("without a index every rule is looked at in turn") {
    auto rules = rules_of({RuleBuilder().users({"bob"}), RuleBuilder()});
    rules.index = nullptr;
    CHECK(deciding_rule(decide(rules, CandidateBuilder())) == 2);
}

TEST_CASE("an expression finds the parts of a server name") {
    const Rule rule = RuleBuilder().sni("/^([a-z]+)(-ro)?\\.example\\.com$");
    CHECK(hba::groups_of_server_name(rule, "Acme-RO.Example.Com") ==
          std::vector<std::string>{"acme-ro.example.com", "acme", "-ro"});
    CHECK(hba::groups_of_server_name(rule, "acme.example.com") ==
          std::vector<std::string>{"acme.example.com", "acme", ""});
    CHECK(hba::groups_of_server_name(rule, "acme.example.org").empty());
    CHECK(hba::groups_of_server_name(rule, "").empty());
    CHECK(
        hba::groups_of_server_name(RuleBuilder().sni("db.example.com"), "db.example.com").empty());
}

} // namespace
} // namespace pgmoat::tests
