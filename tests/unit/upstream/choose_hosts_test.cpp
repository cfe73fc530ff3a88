// Which hosts a client may be sent to, for each target_session_attrs, and in which order.
#include "proxy/upstream/choose_hosts.h"
#include "tests/support/catch.h"

#include <algorithm>

using namespace pgmoat;
using config::SessionAttrs;
using runtime::HostRole;
using runtime::Role;

namespace {

using Order = std::vector<std::size_t>;

HostRole host(Role role, bool answers = true) {
    HostRole known;
    known.role = role;
    known.answers = answers;
    return known;
}

HostRole far_behind() {
    HostRole known = host(Role::standby);
    known.too_far_behind = true;
    return known;
}

HostRole read_only_primary() {
    HostRole known = host(Role::primary);
    known.read_only = true;
    return known;
}

Order chosen(const std::vector<HostRole>& hosts, SessionAttrs wanted, bool is_checked = true) {
    return upstream::choose_hosts(hosts, {wanted, is_checked}, {});
}

const std::vector<HostRole> cluster{host(Role::standby), host(Role::primary), host(Role::unknown)};

} // namespace

TEST_CASE("target_session_attrs decides which hosts are tried") {
    CHECK(chosen(cluster, SessionAttrs::any) == Order{0, 1, 2});
    CHECK(chosen(cluster, SessionAttrs::primary) == Order{1});
    CHECK(chosen(cluster, SessionAttrs::read_write) == Order{1});
    CHECK(chosen(cluster, SessionAttrs::standby) == Order{0});
    CHECK(chosen(cluster, SessionAttrs::read_only) == Order{0});
    CHECK(chosen(cluster, SessionAttrs::prefer_standby) == Order{0, 1, 2});
    CHECK(chosen({host(Role::unknown), host(Role::primary), host(Role::standby)},
                 SessionAttrs::prefer_standby) == Order{2, 1, 0});
}

TEST_CASE("a primary whose sessions are read-only is one for read-only, not for read-write") {
    const std::vector<HostRole> hosts{host(Role::unknown), read_only_primary()};
    CHECK(chosen(hosts, SessionAttrs::primary) == Order{1});
    CHECK(chosen(hosts, SessionAttrs::read_write).empty());
    CHECK(chosen(hosts, SessionAttrs::read_only) == Order{1});
    CHECK(chosen(hosts, SessionAttrs::standby).empty());
}

TEST_CASE("no client that needs a primary is sent to a standby or to an unknown host") {
    CHECK(chosen({host(Role::standby), host(Role::unknown)}, SessionAttrs::primary).empty());
    CHECK(chosen({host(Role::standby), host(Role::unknown)}, SessionAttrs::read_write).empty());
}

TEST_CASE("prefer-standby takes the others when no standby is near enough") {
    const std::vector<HostRole> hosts{host(Role::primary), far_behind(), host(Role::standby)};
    CHECK(chosen(hosts, SessionAttrs::prefer_standby) == Order{2, 0, 1});
    CHECK(chosen(hosts, SessionAttrs::standby) == Order{2});
    CHECK(chosen({host(Role::primary), far_behind()}, SessionAttrs::standby).empty());
    CHECK(chosen({far_behind(), host(Role::primary)}, SessionAttrs::prefer_standby) == Order{1, 0});
}

TEST_CASE("hosts that the check cannot ask come last, but a primary keeps its role") {
    const std::vector<HostRole> hosts{
        host(Role::standby, false), host(Role::standby), host(Role::primary, false)};
    CHECK(chosen(hosts, SessionAttrs::standby) == Order{1, 0});
    CHECK(chosen(hosts, SessionAttrs::primary) == Order{2});
    CHECK(chosen(hosts, SessionAttrs::any) == Order{1, 0, 2});
}

TEST_CASE("without a check the order is the connection string's") {
    CHECK(chosen({HostRole{}, HostRole{}}, SessionAttrs::any, false) == Order{0, 1});
}

TEST_CASE("a random order is kept within those that are as good") {
    const auto backwards = [](Order& order) { std::reverse(order.begin(), order.end()); };
    const std::vector<HostRole> hosts{
        host(Role::standby), host(Role::primary), host(Role::standby), host(Role::standby, false)};
    const upstream::Choice choice{SessionAttrs::prefer_standby, true};
    CHECK(upstream::choose_hosts(hosts, choice, backwards) == Order{2, 0, 1, 3});
    const std::vector<HostRole> unchecked(3);
    CHECK(upstream::choose_hosts(unchecked, {SessionAttrs::any, false}, backwards) ==
          Order{2, 1, 0});
}

TEST_CASE("a session that needs a primary leaves a host that no longer is one") {
    using upstream::must_leave;
    for (const auto wanted : {SessionAttrs::primary, SessionAttrs::read_write}) {
        CHECK_FALSE(must_leave(host(Role::primary), wanted, true));
        CHECK(must_leave(host(Role::standby), wanted, false));
        CHECK(must_leave(host(Role::unknown), wanted, true));
        // It may still be the primary: no other host is known to be it.
        CHECK_FALSE(must_leave(host(Role::unknown), wanted, false));
    }
    for (const auto wanted : {SessionAttrs::any,
                              SessionAttrs::standby,
                              SessionAttrs::read_only,
                              SessionAttrs::prefer_standby})
        CHECK_FALSE(must_leave(host(Role::standby), wanted, true));
}
