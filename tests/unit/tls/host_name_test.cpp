// libpq's rules for which certificate is valid for which host, as tables.
#include "tests/support/catch.h"
#include "tls/host_name.h"

using namespace pgmoat::tls;

namespace {

using Kind = AlternativeName::Kind;

AlternativeName dns(std::string name) {
    return {Kind::dns, std::move(name)};
}
AlternativeName ip4(std::string bytes) {
    return {Kind::address, std::move(bytes)};
}
const std::string loopback4("\x7F\0\0\x01", 4);
const std::string loopback6 = std::string(15, '\0') + '\x01';

bool matches(const CertificateNames& names, const std::string& host) {
    return host_name_mismatch(names, host).empty();
}

} // namespace

TEST_CASE("which names match which hosts") {
    struct Case {
        const char* why;
        CertificateNames names;
        std::string host;
        bool matches;
    };
    const Case cases[] = {
        {"the same name", {{dns("db.example.com")}, {}}, "db.example.com", true},
        {"in another case", {{dns("DB.Example.com")}, {}}, "db.eXample.COM", true},
        {"another name", {{dns("db.example.com")}, {}}, "web.example.com", false},
        {"only the beginning", {{dns("db.example.com")}, {}}, "db.example.com.evil.org", false},
        {"only the end", {{dns("example.com")}, {}}, "db.example.com", false},
        {"the second of two", {{dns("a.org"), dns("b.org")}, {}}, "b.org", true},
        {"a wildcard for one label", {{dns("*.example.com")}, {}}, "db.example.com", true},
        {"a wildcard in another case", {{dns("*.EXAMPLE.com")}, {}}, "db.example.com", true},
        {"a wildcard for two labels", {{dns("*.example.com")}, {}}, "a.db.example.com", false},
        {"a wildcard for none", {{dns("*.example.com")}, {}}, "example.com", false},
        {"a wildcard for an empty one", {{dns("*.example.com")}, {}}, ".example.com", false},
        {"a part of a label", {{dns("d*.example.com")}, {}}, "db.example.com", false},
        {"a wildcard not in front", {{dns("db.*.com")}, {}}, "db.example.com", false},
        {"a wildcard alone", {{dns("*")}, {}}, "db", false},
        {"a wildcard and a dot", {{dns("*.")}, {}}, "db.", false},
        {"the common name, without others", {{}, "db.example.com"}, "db.example.com", true},
        {"a wildcard common name", {{}, "*.example.com"}, "db.example.com", true},
        {"the common name, with others", {{dns("a.org")}, "b.org"}, "b.org", false},
        {"the common name, with addresses only", {{ip4(loopback4)}, "b.org"}, "b.org", true},
        {"an IPv4 address", {{ip4(loopback4)}, {}}, "127.0.0.1", true},
        {"an IPv4 address in inet_aton's form", {{ip4(loopback4)}, {}}, "127.1", true},
        {"another IPv4 address", {{ip4(loopback4)}, {}}, "127.0.0.2", false},
        {"an IPv6 address", {{ip4(loopback6)}, {}}, "::1", true},
        {"an IPv6 address written long", {{ip4(loopback6)}, {}}, "0:0:0:0:0:0:0:1", true},
        {"another IPv6 address", {{ip4(loopback6)}, {}}, "::2", false},
        {"an address as a DNS name", {{dns("127.0.0.1")}, {}}, "127.0.0.1", true},
        {"an address as common name, with DNS names",
         {{dns("a.org")}, "127.0.0.1"},
         "127.0.0.1",
         true},
        {"an address as common name, with addresses",
         {{ip4(loopback6)}, "127.0.0.1"},
         "127.0.0.1",
         false},
        {"no name at all", {{}, {}}, "db.example.com", false},
        {"other kinds only", {{{Kind::other, ""}}, {}}, "db.example.com", false},
        {"no host", {{dns("")}, ""}, "", false},
    };
    for (const Case& each : cases) {
        INFO(each.why);
        CHECK(matches(each.names, each.host) == each.matches);
    }
}

TEST_CASE("a mismatch has libpq's error") {
    struct Case {
        CertificateNames names;
        std::string host;
        const char* text;
    };
    const Case cases[] = {
        {{{dns("a.org")}, {}},
         "b.org",
         "server certificate for \"a.org\" does not match host name \"b.org\""},
        {{{dns("a.org"), dns("c.org")}, {}},
         "b.org",
         "server certificate for \"a.org\" (and 1 other name) does not match host name \"b.org\""},
        {{{dns("a.org"), dns("c.org"), ip4(loopback4)}, {}},
         "b.org",
         "server certificate for \"a.org\" (and 2 other names) does not match host name \"b.org\""},
        {{{ip4(loopback6)}, {}},
         "10.0.0.1",
         "server certificate for \"::1\" does not match host name \"10.0.0.1\""},
        {{{dns("a\r\n.org")}, {}},
         "b.org",
         "server certificate for \"a\\x0d\\x0a.org\" does not match host name \"b.org\""},
        {{{}, {}}, "b.org", "could not get server's host name from server certificate"},
        {{{dns("a.org")}, {}}, "", "host name must be specified for a verified SSL connection"},
        {{{ip4("abc")}, {}}, "b.org", "certificate contains IP address with invalid length 3"},
    };
    for (const Case& each : cases)
        CHECK(host_name_mismatch(each.names, each.host) == each.text);
}

TEST_CASE("a NUL in a name that is looked at refuses the certificate") {
    const std::string two_faced("db.example.com\0.evil.org", 24);
    const std::string text = "SSL certificate's name contains embedded null";

    CHECK(host_name_mismatch({{dns(two_faced)}, {}}, "db.example.com") == text);
    CHECK(host_name_mismatch({{}, two_faced}, "db.example.com") == text);
    CHECK(host_name_mismatch({{dns(two_faced), dns("db.example.com")}, {}}, "db.example.com") ==
          text);
}

TEST_CASE("hosts that look like addresses get no server name indication") {
    for (const char* address : {"127.0.0.1", "10.1", "1", "::1", "fe80::1%eth0"})
        CHECK(looks_like_address(address));
    for (const char* name : {"db.example.com", "10.0.0.x", "localhost"})
        CHECK_FALSE(looks_like_address(name));
}
