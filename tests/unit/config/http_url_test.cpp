// URLs of Patroni's REST interface, as a health check is configured with them and as Patroni names its
// members (the other use: tests/unit/upstream/patroni_test.cpp).
#include "proxy/config/conninfo.h"
#include "proxy/config/http_url.h"
#include "tests/support/catch.h"

using namespace pgmoat::config;

TEST_CASE("a URL has a scheme, a host, a port and perhaps a path") {
    const auto url = parse_http_url("https://10.0.0.1:8008/patroni?x=1");
    REQUIRE(url);
    CHECK(url->address.tls);
    CHECK(url->address.host == "10.0.0.1");
    CHECK(url->address.port == 8008);
    CHECK(url->path == "/patroni?x=1");
    const auto plain = parse_http_url("http://db:1");
    REQUIRE(plain);
    CHECK_FALSE(plain->address.tls);
    CHECK(plain->path.empty());
}

TEST_CASE("an IPv6 address is told from its port by brackets, or by the last colon") {
    const auto url = parse_http_url("http://[fe80::1]:8008/");
    REQUIRE(url);
    CHECK(url->address.host == "fe80::1");
    CHECK(url->address.port == 8008);
    CHECK_FALSE(url->bare_ipv6);
    const auto bare = parse_http_url("http://fe80::1:8008/patroni");
    REQUIRE(bare);
    CHECK(bare->address.host == "fe80::1");
    CHECK(bare->address.port == 8008);
    CHECK(bare->bare_ipv6);
}

TEST_CASE("what is no such URL is none") {
    for (const char* text : {"",
                             "http://",
                             "ftp://a:1",
                             "a:1",
                             "http://a",
                             "http://a:",
                             "http://a:0",
                             "http://a:65536",
                             "http://a:1x",
                             "http://a:-1",
                             "http://:1",
                             "http://[]:1",
                             "http://[::1",
                             "http://[::1]",
                             "http://[::1]x:1",
                             "http://u@a:1",
                             "http://a b:1",
                             "http:///a:1"}) {
        INFO(text);
        CHECK_FALSE(parse_http_url(text));
    }
}

TEST_CASE("a health check wants brackets and no path") {
    for (const char* text : {"http://::1:8008",
                             "http://fe80::1:8008/",
                             "http://a:1/x",
                             "http://a:1//",
                             "http://a:1?x",
                             "http://a:1#x"}) {
        INFO(text);
        CHECK_THROWS_AS(parse_health_check(std::string("patroni=") + text), ConninfoError);
    }
    CHECK(parse_health_check("patroni=http://[::1]:8008/").urls[0].host == "::1");
}
