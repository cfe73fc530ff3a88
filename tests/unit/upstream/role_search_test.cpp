// Which host a login is made on next, by what the servers say of themselves.
#include "proxy/upstream/role_search.h"
#include "tests/support/catch.h"

#include <algorithm>
#include <string>
#include <vector>

using namespace pgmoat;
using config::SessionAttrs;
using runtime::Role;
using upstream::GiveUp;
using upstream::Plan;
using upstream::RoleSearch;

namespace {

Plan three_hosts() {
    Plan plan;
    for (const char* name : {"a", "b", "c"}) {
        upstream::Host& host = plan.hosts.emplace_back();
        host.name = name;
        host.configured = name;
    }
    return plan;
}

RoleSearch search_for(SessionAttrs wanted, std::vector<Role> known = {}) {
    return {three_hosts(), wanted, std::move(known), {}};
}

std::string names(const RoleSearch& search) {
    std::string names;
    for (const auto& host : search.plan().hosts)
        names += host.name;
    return names;
}

protocol::LoginFacts says(std::optional<bool> standby, std::optional<bool> read_only = false) {
    protocol::LoginFacts facts;
    facts.in_hot_standby = standby;
    facts.default_transaction_read_only = read_only;
    return facts;
}

const GiveUp down{GiveUp::Why::unreachable, "c: refused"};

} // namespace

TEST_CASE("hosts are tried in their order, and known ones first") {
    CHECK(names(search_for(SessionAttrs::primary)) == "abc");
    CHECK(names(search_for(SessionAttrs::primary, {Role::standby, Role::unknown, Role::primary})) ==
          "cba");
    CHECK(names(search_for(SessionAttrs::read_only,
                           {Role::primary, Role::unknown, Role::standby})) == "cba");
    const RoleSearch turned(
        three_hosts(), SessionAttrs::standby, {}, [](auto& order) { std::ranges::reverse(order); });
    CHECK(names(turned) == "cba");
}

TEST_CASE("what a server says fits as libpq judges it") {
    struct Row {
        SessionAttrs wanted;
        std::string fit; // of primary, read-only primary, standby, read-only standby, silent
    };
    const auto row = GENERATE(Row{SessionAttrs::primary, "yynnn"},
                              Row{SessionAttrs::read_write, "ynnnn"},
                              Row{SessionAttrs::standby, "nnyyn"},
                              Row{SessionAttrs::prefer_standby, "nnyyn"},
                              Row{SessionAttrs::read_only, "nyyyn"},
                              Row{SessionAttrs::any, "yyyyy"});
    const RoleSearch search = search_for(row.wanted);
    std::string fit;
    for (const auto& facts : {says(false),
                              says(false, true),
                              says(true),
                              says(true, true),
                              says(std::nullopt, std::nullopt)})
        fit += search.fits(facts) ? 'y' : 'n';
    CHECK(fit == row.fit);
}

TEST_CASE("a host that was left, and those before it, are not tried again") {
    RoleSearch search = search_for(SessionAttrs::primary);
    search.reached(1); // a is down
    search.learn(says(true));
    CHECK_FALSE(search.has_left());
    REQUIRE(search.leave("is a standby"));
    CHECK(names(search) == "c");
    CHECK(search.has_more());
    search.reached(0);
    CHECK_FALSE(search.has_more());
    CHECK_FALSE(search.leave("is a standby"));
    CHECK(search.detail() == "b:5432 is a standby, c:5432 is a standby");
    CHECK_FALSE(search.not_reached(down));
}

TEST_CASE("without a standby the second pass takes any host, and first one that was there") {
    RoleSearch search = search_for(SessionAttrs::prefer_standby);
    search.reached(1);
    search.learn(says(false));
    REQUIRE(search.leave("is a primary"));
    CHECK(names(search) == "c");
    REQUIRE(search.not_reached(down));
    CHECK(names(search) == "bac");
    CHECK(search.fits(says(false)));
    search.reached(0);
    CHECK(search.has_more());
    CHECK_FALSE(search.not_reached(down)); // there is no third one
}

TEST_CASE("the second pass follows when the last host is left, but not when time is up") {
    RoleSearch search = search_for(SessionAttrs::prefer_standby);
    CHECK_FALSE(search.not_reached({GiveUp::Why::late, "timeout expired"}));
    search.reached(2);
    CHECK(search.has_more());
    search.learn(says(false));
    REQUIRE(search.leave("is a primary"));
    CHECK(names(search) == "cab");
}

TEST_CASE("a role in words") {
    CHECK(upstream::role_text(says(true)) == "is a standby");
    CHECK(upstream::role_text(says(false)) == "is a primary");
    CHECK(upstream::role_text(says(false, true)) == "is a primary whose sessions are read-only");
    CHECK(upstream::role_text(says(std::nullopt)) ==
          "does not say in the login whether it is a standby");
}
