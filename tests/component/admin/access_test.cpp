// User names and passwords, and TLS.
#include "protocol/base64.h"
#include "proxy/admin/http/http_users.h"
#include "proxy/admin/limits.h"
#include "tests/component/admin/http_client.h"
#include "tests/component/admin/http_secret.h"
#include "tests/component/admin/running_endpoint.h"

#include <time.h>

#include <algorithm>
#include <chrono>
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
    const std::string line = R"("alice" ")" + make_http_secret("wonder:land") + "\"\n";
    access.users = std::make_shared<const HttpUsers>(parse_http_users(line, "users").users);
    return access;
}

int status_with(HttpClient& client, const std::string& page, const std::string& authorization) {
    const std::string header =
        authorization.empty() ? "" : "Authorization: " + authorization + "\r\n";
    REQUIRE(client.send("GET " + page + " HTTP/1.1\r\nHost: localhost\r\n" + header + "\r\n"));
    return client.read_response().status;
}

// Of this thread.
std::chrono::nanoseconds processor_time() {
    timespec used{};
    REQUIRE(::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used) == 0);
    return std::chrono::seconds(used.tv_sec) + std::chrono::nanoseconds(used.tv_nsec);
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

TEST_CASE("A client without credentials is asked for them, on every page and for every file") {
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

TEST_CASE("Guessing is slowed down for the client that guesses, and for no other") {
    HttpAuthenticator authenticator(for_alice().users);
    const auto now = HttpAuthenticator::Clock::now();
    const std::string right = basic("alice:wonder:land");
    for (int i = 0; i < http_password_checks_per_second; ++i)
        CHECK(authenticator.recall(basic("alice:" + std::to_string(i)), "10.0.0.1", now) ==
              Answer::to_be_checked);
    CHECK(authenticator.recall(basic("alice:guess"), "10.0.0.1", now) == Answer::too_busy);
    CHECK(authenticator.recall(right, "10.0.0.2", now) == Answer::to_be_checked);
    const HttpPassword password = authenticator.password_of(right);
    REQUIRE(is_right(password));
    authenticator.remember(password);
    CHECK(authenticator.recall(right, "10.0.0.1", now) == Answer::welcome);
    CHECK(authenticator.recall(basic("alice:guess"), "10.0.0.1", now + 1s) ==
          Answer::to_be_checked);
    CHECK_FALSE(is_right(authenticator.password_of(basic("alice:guess"))));
}

TEST_CASE("Clients that guess are remembered for a second, up to a limit") {
    HttpAuthenticator authenticator(for_alice().users);
    const auto now = HttpAuthenticator::Clock::now();
    for (std::size_t i = 0; i < http_guessing_clients_max; ++i)
        CHECK(authenticator.recall(basic("a:b"), std::to_string(i), now) == Answer::to_be_checked);
    CHECK(authenticator.recall(basic("a:b"), "one more", now) == Answer::too_busy);
    CHECK(authenticator.recall(basic("a:b"), "one more", now + 1s) == Answer::to_be_checked);
}

TEST_CASE("A flood of guesses from one place does not hold up the others") {
    RunningEndpoint server([] { return std::string("x"); }, for_alice());
    std::vector<std::unique_ptr<HttpClient>> guessing;
    for (int i = 0; i < http_password_checks_per_second; ++i) {
        guessing.push_back(std::make_unique<HttpClient>(server.port));
        REQUIRE(
            guessing.back()->send("GET /metrics HTTP/1.1\r\nHost: localhost\r\nAuthorization: " +
                                  basic("alice:" + std::to_string(i)) + "\r\n\r\n"));
    }
    // The serving thread is free: password checks do not block it.
    CHECK(HttpClient(server.port).get("/healthz").status == 200);
    for (const auto& client : guessing)
        CHECK(client->read_response().status == 401);
}

TEST_CASE("A name that does not exist takes as long as a wrong password") {
    HttpAuthenticator authenticator(for_alice().users);
    const auto time_of = [&](const std::string& name) {
        const HttpPassword password = authenticator.password_of(basic(name + ":no"));
        const auto begin = processor_time();
        CHECK_FALSE(is_right(password));
        return processor_time() - begin;
    };
    // In turn, and the least of each: other load on the machine makes a try cost more.
    std::chrono::nanoseconds known = 60s;
    std::chrono::nanoseconds unknown = 60s;
    for (int i = 0; i < 10; ++i) {
        known = std::min(known, time_of("alice"));
        unknown = std::min(unknown, time_of("nobody"));
    }
    CHECK(unknown > known / 2);
    CHECK(unknown < known * 2);
}

TEST_CASE("A users file is refused with the place of each mistake") {
    const std::string good = R"("alice" ")" + make_http_secret("x") + '"';
    CHECK(parse_http_users("# comment\n\n " + good + " \r\n", "f").users.size() == 1);
    const auto parsed =
        parse_http_users("bob\n" + good + "\n\"bob\" \"md5abc\"\n" + good + "\n", "f");
    REQUIRE(parsed.errors.size() == 3);
    CHECK(parsed.errors[0].find("in file \"f\" line 1") != std::string::npos);
    CHECK(parsed.errors[1].find("the secret of user \"bob\"") == 0);
    CHECK(parsed.errors[2] == "user \"alice\" is listed twice in file \"f\" line 4");
    CHECK(parse_http_users("\n", "f").errors.size() == 1);
}
