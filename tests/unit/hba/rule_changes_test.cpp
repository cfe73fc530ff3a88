// What a reload changed, and which rules keep their counts.
#include "proxy/hba/rule_changes.h"
#include "tests/support/catch.h"
#include "tests/support/rule_builders.h"

#include <string>
#include <vector>

namespace pgmoat::tests {
namespace {

hba::Rules lines(const std::vector<std::string>& texts) {
    std::vector<hba::Rule> rules;
    for (const std::string& text : texts)
        rules.push_back(RuleBuilder().text(text));
    return rules_of(std::move(rules));
}

std::vector<std::string> changes(const std::vector<std::string>& old,
                                 const std::vector<std::string>& now) {
    std::vector<std::string> texts;
    for (const auto& change : hba::rule_changes(lines(old), lines(now)))
        texts.push_back(change.text);
    return texts;
}

using Texts = std::vector<std::string>;

TEST_CASE("equal files differ in nothing") {
    CHECK(changes({"a", "b"}, {"a", "b"}).empty());
}

TEST_CASE("a change names the rule, its file and its line") {
    CHECK(changes({"a"}, {"a", "b"}) == Texts{"added rule 2, file \"pg_hba.conf\" line 2: \"b\""});
    CHECK(changes({"a", "b"}, {"b"}) ==
          Texts{"removed rule 1, file \"pg_hba.conf\" line 1: \"a\""});
}

TEST_CASE("a change shows no password") {
    for (const std::string name : {"ldapbindpasswd", "radiussecrets"})
        CHECK(changes({}, {"host a " + name + "=hunter2 b=c"}) ==
              Texts{"added rule 1, file \"pg_hba.conf\" line 1: \"host a ...\""});
}

TEST_CASE("removed rules come first") {
    CHECK(changes({"a"}, {"b"}) == Texts{"removed rule 1, file \"pg_hba.conf\" line 1: \"a\"",
                                         "added rule 1, file \"pg_hba.conf\" line 1: \"b\""});
}

TEST_CASE("a rule put in at the top moves no other") {
    CHECK(changes({"a", "b", "c"}, {"new", "a", "b", "c"}) ==
          Texts{"added rule 1, file \"pg_hba.conf\" line 1: \"new\""});
}

TEST_CASE("one rule that changes its position is the one that moved") {
    CHECK(changes({"a", "b", "c", "d"}, {"d", "a", "b", "c"}) ==
          Texts{"moved rule 4, now rule 1, file \"pg_hba.conf\" line 1: \"d\""});
}

TEST_CASE("equal texts are distinguished by their order") {
    CHECK(changes({"a", "b", "a"}, {"a", "b"}) ==
          Texts{"removed rule 3, file \"pg_hba.conf\" line 3: \"a\""});
}

TEST_CASE("a rule that stays goes on with its counts, a new one starts at zero") {
    const auto old = lines({"a", "b"});
    old.rules[0].stats->allowed = 7;
    old.no_entry->denied = 3;
    auto now = lines({"new", "a"});
    hba::inherit_stats(old, now);
    CHECK(now.rules[0].stats->allowed == 0);
    CHECK(now.rules[1].stats->allowed == 7);
    CHECK(now.no_entry->denied == 3);
}

} // namespace
} // namespace pgmoat::tests
