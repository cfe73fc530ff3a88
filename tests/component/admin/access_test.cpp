// Names and passwords, and TLS.
#include "protocol/base64.h"
#include "proxy/admin/http/http_users.h"
#include "proxy/admin/limits.h"
#include "tests/component/admin/http_client.h"
#include "tests/component/admin/running_endpoint.h"

#include <memory>
#include <string>
#include <vector>

using namespace pgmoat;
using namespace pgmoat::admin;
using namespace std::chrono_literals;
using Answer = HttpAuthenticator::Answer;

namespace {

std::string basic(const std::string& credentials) {
    const std::vector<std::uint8_t> bytes(credentials.begin(), credentials.end());
    return "Basic " + protocol::encode_base64(bytes);
}

HttpAccess for_alice() {
    HttpAccess access;
    const std::string line = "alice:" + make_http_secret("wonder:land") + "\n";
    access.users = std::make_shared<const HttpUsers>(parse_http_users(line, "users").users);
    return access;
}

int status_with(HttpClient& client, const std::string& page, const std::string& authorization) {
    const std::string header =
        authorization.empty() ? "" : "Authorization: " + authorization + "\r\n";
    REQUIRE(client.send("GET " + page + " HTTP/1.1\r\n" + header + "\r\n"));
    return client.read_response().status;
}

} // namespace

TEST_CASE("Only the right name with the right password gets in") {
    RunningEndpoint server([] { return std::string("x"); }, for_alice());
    HttpClient client(server.port);
    CHECK(status_with(client, "/metrics", basic("alice:wonder:land")) == 200);
    CHECK(status_with(client, "/metrics", basic("alice:wonder:land")) == 200);
    for (const std::string& wrong : {std::string(),
                                     basic("alice:wonderland"),
                                     basic("alice:"),
                                     basic("alice"),
                                     basic("Alice:wonder:land"),
                                     basic("bob:wonder:land"),
                                     std::string("Basic ===="),
                                     std::string("Basic"),
                                     std::string("Bearer x")}) {
        INFO(wrong);
        CHECK(status_with(client, "/metrics", wrong) == 401);
    }
}

TEST_CASE("Who is not let in is asked for a name, on every page and for every file") {
    RunningEndpoint server([] { return std::string("x"); }, for_alice());
    HttpClient client(server.port);
    for (const std::string page :
         {"/", "/status.json", "/connections.json", "/metrics", "/page.js", "/none"}) {
        const auto response = client.get(page);
        INFO(page);
        CHECK(response.status == 401);
        CHECK(response.headers.at("WWW-Authenticate") ==
              "Basic realm=\"pgmoat\", charset=\"UTF-8\"");
    }
}

TEST_CASE("Probes need no name") {
    RunningEndpoint server([] { return std::string("x"); }, for_alice());
    HttpClient client(server.port);
    CHECK(client.get("/healthz").status == 200);
    CHECK(client.get("/readyz").status == 200);
}

TEST_CASE("Guessing is slowed down, and whoever was right before is not") {
    HttpAuthenticator authenticator(for_alice().users);
    const auto now = HttpAuthenticator::Clock::now();
    CHECK(authenticator.check(basic("alice:wonder:land"), now) == Answer::welcome);
    for (int i = 1; i < http_password_checks_per_second; ++i)
        CHECK(authenticator.check(basic("alice:" + std::to_string(i)), now) == Answer::unknown);
    CHECK(authenticator.check(basic("alice:guess"), now) == Answer::too_busy);
    CHECK(authenticator.check(basic("alice:wonder:land"), now) == Answer::welcome);
    CHECK(authenticator.check(basic("alice:guess"), now + 1s) == Answer::unknown);
}

TEST_CASE("A name that does not exist takes as long as a wrong password") {
    HttpAuthenticator authenticator(for_alice().users);
    auto now = HttpAuthenticator::Clock::now();
    // The fastest of several tries: what else the machine does only adds.
    const auto time_of = [&](const std::string& name) {
        auto fastest = std::chrono::steady_clock::duration::max();
        for (int i = 0; i < 8; ++i) {
            now += 1s;
            const auto begin = std::chrono::steady_clock::now();
            CHECK(authenticator.check(basic(name + ":no"), now) == Answer::unknown);
            fastest = std::min(fastest, std::chrono::steady_clock::now() - begin);
        }
        return fastest;
    };
    const auto known = time_of("alice");
    const auto unknown = time_of("nobody");
    CHECK(unknown > known / 2);
    CHECK(unknown < known * 2);
}

TEST_CASE("A users file is refused with the place of each mistake") {
    const std::string good = "alice:" + make_http_secret("x");
    CHECK(parse_http_users("# comment\n\n " + good + " \r\n", "f").users.size() == 1);
    const auto parsed = parse_http_users("bob\n" + good + "\nbob:md5abc\n" + good + "\n", "f");
    REQUIRE(parsed.errors.size() == 3);
    CHECK(parsed.errors[0].find("in file \"f\" line 1") != std::string::npos);
    CHECK(parsed.errors[1].find("the secret of \"bob\"") == 0);
    CHECK(parsed.errors[2] == "user \"alice\" is there twice in file \"f\" line 4");
    CHECK(parse_http_users("\n", "f").errors.size() == 1);
}
