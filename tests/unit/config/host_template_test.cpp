// Host names built from what a client asks for.
#include "proxy/config/conninfo.h"
#include "proxy/config/host_template.h"
#include "tests/support/catch.h"

using namespace pgmoat::config;

namespace {

std::string filled(const std::string& host, const std::vector<std::string>& groups) {
    return fill_host(host, groups).value_or("(none)");
}

std::string error_of(const std::string& text) {
    try {
        (void)parse_conninfo(text);
    } catch (const ConninfoError& error) {
        return error.what();
    }
    return "(parsed)";
}

} // namespace

TEST_CASE("groups fill in a host") {
    const std::vector<std::string> groups{"acme.eu.pg.example.com", "acme", "eu"};
    CHECK(filled("\1-rw.databases.svc", groups) == "acme-rw.databases.svc");
    CHECK(filled("\1.\2.svc", groups) == "acme.eu.svc");
    CHECK(filled("\1", {"", "a_b-1.example.com"}) == "a_b-1.example.com");
    CHECK(filled("db", groups) == "db");
}

TEST_CASE("a client names hosts and nothing else") {
    for (const char* text : {"",
                             "/tmp",
                             "@abstract",
                             "a,b",
                             "a b",
                             "a:5432",
                             "a..b",
                             ".a",
                             "a.",
                             "-a",
                             "a-",
                             "a%eth0",
                             "::1",
                             "127.0.0.1",
                             "127.1",
                             "2130706433",
                             "0x7f000001",
                             "a.0x7f",
                             "b\xc3\xbc"
                             "cher",
                             "a\nb"})
        CHECK(filled("\1", {"", text}) == "(none)");
    CHECK(filled("\1", {"", std::string(64, 'a')}) == "(none)");
    CHECK(filled("\1", {"", std::string(63, 'a')}) == std::string(63, 'a'));
    std::string longest = std::string(63, 'a');
    for (int i = 0; i < 3; ++i)
        longest += '.' + std::string(i < 2 ? 63 : 61, 'a');
    CHECK(longest.size() == 253);
    CHECK(filled("\1", {"", longest}) == longest);
    CHECK(filled("\1", {"", longest + "a"}) == "(none)");
    CHECK(filled("\1.\2", {"", "a"}) == "(none)"); // there is no second group
}

TEST_CASE("a connection string may be a template in its hosts") {
    const Conninfo conninfo = parse_conninfo("host=\1-rw.svc,\2-ro.svc sslmode=require");
    CHECK(conninfo.groups == 2);
    CHECK(conninfo.hosts[1].host == "\2-ro.svc");
    CHECK(parse_conninfo("host=db").groups == 0);
    CHECK(without_secrets("host=\1-rw.svc port=1") == "host='\\\\1-rw.svc' port=1");
    CHECK(error_of("host=/\1") == "only a host name can be made of a server name's parts");
    CHECK(error_of("host=\1 hostaddr=10.0.0.1") ==
          "only a host name can be made of a server name's parts");
    CHECK(error_of("host='\1 x'") == "no host name can be made of \"\\1 x\"");
}
