// The values of http_listen.
#include "proxy/admin/http/listen.h"
#include "tests/support/catch.h"

#include <boost/asio/io_context.hpp>

#include <fcntl.h>

#include <set>
#include <string>

using namespace pgmoat::admin;

namespace {

std::string complaint_about(const std::string& address) {
    boost::asio::io_context context;
    try {
        (void)open_http_sockets(context, address);
    } catch (const ListenError& error) {
        return error.what();
    }
    return "";
}

bool exposed(const std::string& address) {
    boost::asio::io_context context;
    return is_exposed(open_http_sockets(context, address));
}

} // namespace

TEST_CASE("An address without host or port is refused") {
    for (const std::string address : {"",
                                      "9632",
                                      "localhost",
                                      ":9632",
                                      "127.0.0.1:",
                                      "127.0.0.1:http",
                                      "127.0.0.1:65536",
                                      "127.0.0.1:-1",
                                      "127.0.0.1:80 ",
                                      "::1:9632",
                                      "[]:9632"}) {
        INFO(address);
        CHECK(complaint_about(address) ==
              "invalid HTTP address \"" + address + "\": expected HOST:PORT");
    }
}

TEST_CASE("Loopback is not exposed, anything else is") {
    CHECK_FALSE(exposed("127.0.0.1:0"));
    CHECK_FALSE(exposed("localhost:0"));
    CHECK(exposed("0.0.0.0:0"));
    CHECK(exposed("*:0"));
}

TEST_CASE("Whether other machines can reach an address follows from its text") {
    for (const char* inside : {"127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1", ""}) {
        INFO(inside);
        CHECK_FALSE(sounds_exposed(inside));
    }
    for (const char* outside : {"*:1", "0.0.0.0:1", "[::]:1", "10.0.0.7:1", "db.example:1"}) {
        INFO(outside);
        CHECK(sounds_exposed(outside));
    }
}

TEST_CASE("An address in use is named") {
    boost::asio::io_context context;
    const auto first = open_http_sockets(context, "127.0.0.1:0");
    const auto address =
        "127.0.0.1:" + std::to_string(first.acceptors.front().local_endpoint().port());
    CHECK(complaint_about(address) ==
          "could not listen on HTTP address \"" + address + "\": Address already in use");
}

TEST_CASE("An address that is not this machine's is named") {
    CHECK(complaint_about("192.0.2.1:9632").find("192.0.2.1:9632") != std::string::npos);
}

TEST_CASE("A name that does not exist is named") {
    CHECK(complaint_about("no-such-host.invalid:9632").find("no-such-host.invalid:9632") !=
          std::string::npos);
}

TEST_CASE("A name is listened on at each of its addresses, `*` in both families") {
    boost::asio::io_context context;
    const auto families = [&](const std::string& address) {
        std::set<bool> found;
        for (const auto& acceptor : open_http_sockets(context, address).acceptors)
            found.insert(acceptor.local_endpoint().address().is_v6());
        return found;
    };
    const auto all = families("*:0");
    CHECK(all.contains(false));
    CHECK(families("localhost:0").contains(false));
    CHECK(families("127.0.0.1:0") == std::set<bool>{false});
    if (all.contains(true)) CHECK(families("[::1]:0") == std::set<bool>{true});
}

TEST_CASE("One address in use is a warning while there is another") {
    boost::asio::io_context context;
    const auto first = open_http_sockets(context, "127.0.0.1:0");
    const auto port = std::to_string(first.acceptors.front().local_endpoint().port());
    try {
        const auto second = open_http_sockets(context, "*:" + port);
        CHECK(second.warnings.size() == 1);
        CHECK(second.acceptors.front().local_endpoint().address().is_v6());
    } catch (const ListenError&) { // a machine without IPv6
    }
}

TEST_CASE("A listening socket is closed in children") {
    boost::asio::io_context context;
    auto sockets = open_http_sockets(context, "127.0.0.1:0");
    CHECK((::fcntl(sockets.acceptors.front().native_handle(), F_GETFD) & FD_CLOEXEC) != 0);
}
