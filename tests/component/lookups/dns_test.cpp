// Host names through the system's resolver, with names that are in /etc/hosts on every machine.
#include "proxy/lookups/dns.h"
#include "proxy/lookups/interfaces.h"
#include "tests/support/catch.h"

#include <algorithm>
#include <cstdint>

using namespace pgmoat;
using hba::Family;
using hba::NetAddress;

namespace {

NetAddress ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
    return {Family::ipv4, {a, b, c, d}};
}

} // namespace

TEST_CASE("the loopback address has a name whose forward lookup gives the address again") {
    const auto host = lookups::look_up_host_name(ipv4(127, 0, 0, 1));
    CHECK(host.name == "localhost");
    CHECK(host.reverse_error.empty());
    CHECK(host.forward_matches);
    CHECK(host.forward_error.empty());
}

TEST_CASE("a unix socket has no host name") {
    const auto host = lookups::look_up_host_name({Family::local, {}});
    CHECK(host.name.empty());
    CHECK_FALSE(host.reverse_error.empty());
    CHECK_FALSE(host.forward_matches);
}

TEST_CASE("the loopback network is one of our own") {
    const hba::AddressRange loopback{ipv4(127, 0, 0, 1), ipv4(255, 0, 0, 0)};
    const auto own = lookups::own_interfaces().networks;
    CHECK(std::find(own.begin(), own.end(), loopback) != own.end());
}
