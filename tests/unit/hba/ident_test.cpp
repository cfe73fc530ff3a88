// pg_ident.conf: which system user may be which database user, and what the log says.
#include "proxy/hba/evaluate/ident.h"
#include "tests/support/catch.h"
#include "tests/support/rule_builders.h"

#include <string>
#include <variant>
#include <vector>

namespace pgmoat::tests {
namespace {

using hba::Answers;
using hba::IdentLine;
using hba::Mapping;
using hba::MayBe;
using hba::MayNotBe;
using hba::Question;

Mapping map(std::vector<IdentLine> lines,
            const std::string& system_user,
            const std::string& user,
            const Answers& known = {}) {
    hba::Rules rules;
    rules.ident = std::move(lines);
    return hba::map_user(rules, "m", system_user, user, known);
}

bool may_be(const Mapping& mapping) {
    return std::holds_alternative<MayBe>(mapping);
}

std::string reason(const Mapping& mapping) {
    return std::get<MayNotBe>(mapping).reason;
}

TEST_CASE("without a map both names must be equal") {
    CHECK(may_be(hba::map_user({}, "", "alice", "alice", {})));
    CHECK(reason(hba::map_user({}, "", "Alice", "alice", {})) ==
          "provided user name (alice) and authenticated user name (Alice) do not match");
}

TEST_CASE("a line maps one name to another") {
    CHECK(may_be(map({ident_line("m", "root", "postgres")}, "root", "postgres")));
    CHECK_FALSE(may_be(map({ident_line("m", "root", "postgres")}, "root", "alice")));
    CHECK_FALSE(may_be(map({ident_line("m", "root", "postgres")}, "bob", "postgres")));
}

TEST_CASE("lines of another map do not count") {
    CHECK(reason(map({ident_line("n", "root", "postgres")}, "root", "postgres")) ==
          "no match in usermap \"m\" for user \"postgres\" authenticated as \"root\"");
}

TEST_CASE("any line of the map will do") {
    CHECK(may_be(
        map({ident_line("m", "root", "bob"), ident_line("m", "root", "alice")}, "root", "alice")));
}

TEST_CASE("`all` and regular expressions match many database users") {
    CHECK(may_be(map({ident_line("m", "root", "all")}, "root", "alice")));
    CHECK(may_be(map({ident_line("m", "root", "/^al")}, "root", "alice")));
    CHECK_FALSE(may_be(map({ident_line("m", "root", "/^bo")}, "root", "alice")));
}

TEST_CASE("the group of a regular expression becomes part of the database user") {
    const IdentLine line = ident_line("m", "/^(.*)@example\\.com$", "u_\\1");
    CHECK(may_be(map({line}, "alice@example.com", "u_alice")));
    CHECK_FALSE(may_be(map({line}, "alice@example.com", "u_bob")));
    CHECK_FALSE(may_be(map({line}, "alice@example.org", "u_alice")));
}

TEST_CASE("only the first reference is replaced") {
    const IdentLine line = ident_line("m", "/^(.)ob$", "\\1\\1");
    CHECK(may_be(map({line}, "bob", "b\\1")));
    CHECK_FALSE(may_be(map({line}, "bob", "bb")));
}

TEST_CASE("a group that reads like a keyword is only a name") {
    const IdentLine line = ident_line("m", "/^(.*)$", "\\1");
    CHECK_FALSE(may_be(map({line}, "all", "alice")));
    CHECK_FALSE(may_be(map({line}, "+staff", "alice")));
    CHECK(may_be(map({line}, "all", "all")));
}

TEST_CASE("a reference without a group ends the scan") {
    const std::vector<IdentLine> lines{ident_line("m", "/^bob$", "\\1"),
                                       ident_line("m", "bob", "bob")};
    CHECK(reason(map(lines, "bob", "bob")) ==
          "regular expression \"^bob$\" has no subexpressions as requested by backreference in "
          "\"\\1\"");
}

TEST_CASE("a regular expression of the system user is not anchored") {
    CHECK(may_be(map({ident_line("m", "/li", "dba")}, "alice", "dba")));
}

TEST_CASE("`+role` asks for roles, and then for membership") {
    const std::vector<IdentLine> lines{ident_line("m", "root", "+staff")};
    CHECK(std::get<Question>(map(lines, "root", "alice")) == Question::user_roles);
    Answers known;
    known.roles = hba::UserRoles{{"alice", "staff"}, {}};
    CHECK(may_be(map(lines, "root", "alice", known)));
    known.roles = hba::UserRoles{{"alice"}, {}};
    CHECK_FALSE(may_be(map(lines, "root", "alice", known)));
    CHECK_FALSE(may_be(map(lines, "bob", "alice")));
}

} // namespace
} // namespace pgmoat::tests
