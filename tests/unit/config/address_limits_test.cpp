// Rates and networks as written in settings.
#include "proxy/config/address_limits.h"
#include "proxy/config/config.h"
#include "tests/support/catch.h"
#include "tests/unit/config/memory_files.h"

#include <arpa/inet.h>

using namespace pgmoat::config;
using namespace std::chrono_literals;

namespace {

Rate rate(std::string_view text) {
    return std::get<Rate>(parse_rate(text));
}

bool is_rate(std::string_view text) {
    return std::holds_alternative<Rate>(parse_rate(text));
}

bool contains(const char* network, const char* address) {
    std::array<std::uint8_t, 16> bytes{};
    if (inet_pton(AF_INET, address, bytes.data()) == 1)
        return parse_network(network)->contains(std::span{bytes}.first(4));
    REQUIRE(inet_pton(AF_INET6, address, bytes.data()) == 1);
    return parse_network(network)->contains(bytes);
}

} // namespace

TEST_CASE("a rate is a number in a time, with a burst or without") {
    CHECK(rate("") == Rate{});
    CHECK(rate("10/s") == Rate{10, 1s, 10});
    CHECK(rate("10/1s") == Rate{10, 1s, 10});
    CHECK(rate("20/1min burst=50") == Rate{20, 1min, 50});
    CHECK(rate("1/250ms") == Rate{1, 250ms, 1});
    CHECK(rate("100000/1h burst=1") == Rate{100'000, 1h, 1});
    for (const char* text : {"10",
                             "/s",
                             "10/",
                             "0/s",
                             "-1/s",
                             "10/0",
                             "10/s burst=0",
                             "10/s burst",

                             "10/s burst=1x",
                             "10/2h",
                             "100001/s",
                             "10/1x",
                             "ten/s",
                             " 10/s",
                             "10 / s",
                             "10/s burst=-1"}) {
        INFO(text);
        CHECK_FALSE(is_rate(text));
    }
}

TEST_CASE("a rate is shown as it can be written") {
    for (const char* text : {"10/1s", "20/1min burst=50", "1/250ms", "7/1h", "3/90s burst=4", ""}) {
        CHECK(text_of(rate(text)) == text);
    }
}

TEST_CASE("a network contains what agrees in its prefix") {
    CHECK(contains("10.0.0.0/8", "10.255.0.1"));
    CHECK_FALSE(contains("10.0.0.0/8", "11.0.0.1"));
    CHECK(contains("192.0.2.128/25", "192.0.2.255"));
    CHECK_FALSE(contains("192.0.2.128/25", "192.0.2.127"));
    CHECK(contains("192.0.2.7", "192.0.2.7"));
    CHECK_FALSE(contains("192.0.2.7", "192.0.2.6"));
    CHECK(contains("0.0.0.0/0", "1.2.3.4"));
    CHECK_FALSE(contains("0.0.0.0/0", "::1"));
    CHECK_FALSE(contains("::/0", "1.2.3.4"));
    CHECK(contains("2001:db8::/33", "2001:db8:7fff::1"));
    CHECK_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
    CHECK(contains("::1", "::1"));
}

TEST_CASE("what is no network") {
    for (const char* text : {"",
                             "10.0.0.0/33",
                             "10.0.0.1/8",
                             "10.0.0.0/",
                             "10.0.0.0/-1",
                             "10.0.0.0/8x",
                             "::1/129",
                             "2001:db8::1/64",
                             "localhost",
                             "10.0.0.0/8/8",
                             "10.0.0/8",
                             "all"}) {
        INFO(text);
        CHECK_FALSE(parse_network(text));
    }
    CHECK(text_of(*parse_network("10.0.0.0/8")) == "10.0.0.0/8");
    CHECK(text_of(*parse_network("2001:DB8:0:0::/64")) == "2001:db8::/64");
    CHECK(text_of(*parse_network("192.0.2.7")) == "192.0.2.7/32");
}
