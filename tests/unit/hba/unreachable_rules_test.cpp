// Rules that an earlier one covers, and rules that only look like it.
#include "proxy/hba/parse/unreachable_rules.h"
#include "tests/support/catch.h"
#include "tests/support/rule_builders.h"

using namespace pgmoat;
using hba::RecordType;
using tests::RuleBuilder;

namespace {

bool is_unreachable(const hba::Rule& second, const hba::Rule& first) {
    const auto found = hba::unreachable_rules({first, second});
    return found.size() == 1 && found.front().rule == 1 && found.front().behind == 0;
}

} // namespace

TEST_CASE("a rule after one that matches everything it would is unreachable") {
    const hba::Rule all = RuleBuilder();
    CHECK(is_unreachable(RuleBuilder(), all));
    CHECK(is_unreachable(RuleBuilder(RecordType::hostssl).users({"alice"}), all));
    CHECK(is_unreachable(RuleBuilder().from("10.1.0.0/16"), RuleBuilder().from("10.0.0.0/8")));
    CHECK(is_unreachable(RuleBuilder().databases({"a"}).users({"x"}),
                         RuleBuilder().databases({"a", "b"}).users({"x", "y"})));
    CHECK(is_unreachable(RuleBuilder().sni("a.example"), all));
    CHECK(is_unreachable(RuleBuilder().users({"+staff"}), RuleBuilder().users({"+staff", "bob"})));
    CHECK(is_unreachable(RuleBuilder().from_host("db.example"),
                         RuleBuilder().from_host("db.example")));
}

TEST_CASE("a rule that some connection reaches is not") {
    const hba::Rule all = RuleBuilder();
    CHECK_FALSE(is_unreachable(all, RuleBuilder(RecordType::hostssl)));
    CHECK_FALSE(is_unreachable(RuleBuilder(RecordType::local), all));
    CHECK_FALSE(
        is_unreachable(RuleBuilder().from("10.0.0.0/8"), RuleBuilder().from("10.1.0.0/16")));
    CHECK_FALSE(is_unreachable(RuleBuilder().from("::/0"), RuleBuilder().from("0.0.0.0/0")));
    CHECK_FALSE(is_unreachable(RuleBuilder().databases({"replication"}), all));
    CHECK_FALSE(is_unreachable(RuleBuilder().users({"bob"}), RuleBuilder().users({"+staff"})));
    CHECK_FALSE(is_unreachable(all, RuleBuilder().sni("a.example")));
    CHECK_FALSE(is_unreachable(RuleBuilder().sni("b.example"), RuleBuilder().sni("a.example")));
    CHECK_FALSE(is_unreachable(all, RuleBuilder().databases({"a"})));
}
