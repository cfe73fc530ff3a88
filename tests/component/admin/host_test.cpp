// Which Host headers are accepted (against DNS rebinding).
#include "proxy/admin/http/http_host.h"
#include "tests/component/admin/http_client.h"
#include "tests/component/admin/http_secret.h"
#include "tests/component/admin/running_endpoint.h"

#include <memory>
#include <string>

using namespace pgmoat::admin;

namespace {

int status_for(RunningEndpoint& server, const std::string& page, const std::string& host) {
    HttpClient client(server.port);
    REQUIRE(client.send("GET " + page + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n"));
    return client.read_response().status;
}

} // namespace

TEST_CASE("Addresses and the machine's own names are ours, whatever the port") {
    for (const char* host : {"",
                             "localhost",
                             "LOCALHOST:9632",
                             "pgmoat.localhost:1",
                             "127.0.0.1:9632",
                             "10.0.0.7",
                             "[::1]:1",
                             "[::1]",
                             "Moat.Internal:443"}) {
        INFO(host);
        CHECK(is_own_host(host, "moat.internal:9632"));
    }
    for (const char* host : {"evil.example",
                             "evil.example:9632",
                             "127.0.0.1.evil.example",
                             "localhost.evil.example",
                             "evillocalhost",
                             "moat.internal"}) {
        INFO(host);
        CHECK_FALSE(is_own_host(host, "127.0.0.1:9632"));
    }
}

TEST_CASE("Under a foreign name there are numbers for Prometheus and answers for probes only") {
    RunningEndpoint server;
    for (const std::string page :
         {"/", "/status.json", "/connections.json", "/metrics/connections", "/page.js", "/none"}) {
        INFO(page);
        CHECK(status_for(server, page, "evil.example") == 421);
    }
    for (const std::string page : {"/metrics", "/healthz", "/readyz"}) {
        INFO(page);
        CHECK(status_for(server, page, "evil.example") == 200);
    }
    CHECK(status_for(server, "/", "127.0.0.1:9632") == 200);
}

TEST_CASE("Where there are passwords, any name will do") {
    HttpAccess access;
    access.users = std::make_shared<const HttpUsers>(
        parse_http_users(R"("alice" ")" + make_http_secret("x") + "\"\n", "users").users);
    RunningEndpoint server([] { return std::string("x"); }, access);
    CHECK(status_for(server, "/", "moat.example\r\nAuthorization: Basic YWxpY2U6eA==") == 200);
    CHECK(status_for(server, "/", "moat.example") == 401);
}
