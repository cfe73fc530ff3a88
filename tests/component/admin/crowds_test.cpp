// Slow clients, many clients, and a machine without descriptors: a scrape gets through all of them.
#include "proxy/admin/limits.h"
#include "tests/component/admin/http_client.h"
#include "tests/component/admin/running_endpoint.h"

#include <sys/resource.h>

#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace pgmoat::admin;
using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

namespace {

bool is_served_soon(std::uint16_t port) {
    const auto begin = Clock::now();
    const bool served = HttpClient(port).get("/metrics").status == 200;
    return served && Clock::now() - begin < 2s;
}

using Clients = std::vector<std::unique_ptr<HttpClient>>;

Clients connect_many(std::uint16_t port, std::size_t count) {
    Clients clients;
    for (std::size_t i = 0; i < count; ++i)
        clients.push_back(std::make_unique<HttpClient>(port));
    return clients;
}

} // namespace

TEST_CASE("A client that drips its request is cut off at the deadline and delays no other") {
    RunningEndpoint server;
    HttpClient dripping(server.port);
    const auto begin = Clock::now();
    REQUIRE(dripping.send("GET /healthz HTTP/1.1\r\nX-Slow: "));
    bool open = true;
    while (open && Clock::now() - begin < 2 * http_request_time_max) {
        CHECK(is_served_soon(server.port));
        open = dripping.send("x");
        std::this_thread::sleep_for(100ms);
    }
    CHECK_FALSE(open);
    CHECK(Clock::now() - begin > http_request_time_max - 500ms);
}

TEST_CASE("A client that does not read its answer is cut off and delays no other") {
    constexpr std::size_t more_than_buffers_hold = 32 * 1024 * 1024;
    RunningEndpoint server([] { return std::string(more_than_buffers_hold, '#'); });
    HttpClient lazy(server.port);
    REQUIRE(lazy.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n"));
    const auto begin = Clock::now();
    while (Clock::now() - begin < http_request_time_max + 1s) {
        CHECK(HttpClient(server.port).get("/healthz").status == 200);
        std::this_thread::sleep_for(100ms);
    }
    CHECK(lazy.read_response().status == 0);
}

TEST_CASE("As many clients as allowed are served side by side") {
    RunningEndpoint server;
    const Clients clients = connect_many(server.port, http_connections_max);
    for (int round = 0; round < 3; ++round) {
        for (const auto& client : clients)
            REQUIRE(client->get("/healthz").status == 200);
    }
}

TEST_CASE("A house full of silent clients lets a scrape in") {
    RunningEndpoint server;
    const Clients silent = connect_many(server.port, 4 * http_connections_max);
    CHECK(is_served_soon(server.port));
}

TEST_CASE("The client that was served least recently makes room") {
    RunningEndpoint server;
    const Clients clients = connect_many(server.port, http_connections_max);
    for (const auto& client : clients)
        REQUIRE(client->get("/healthz").status == 200);
    HttpClient& first = *clients[0];
    HttpClient& second = *clients[1];
    REQUIRE(first.get("/healthz").status == 200);

    CHECK(is_served_soon(server.port));
    CHECK(second.is_closed());
    CHECK(first.get("/healthz").status == 200);
}

TEST_CASE("Without free descriptors the endpoint waits, without spinning, and goes on") {
    RunningEndpoint server;
    HttpClient client; // opens its descriptor while there still are some
    std::vector<pgmoat::Descriptor> all_others;
    rlimit before{};
    REQUIRE(::getrlimit(RLIMIT_NOFILE, &before) == 0);
    const rlimit few{.rlim_cur = 128, .rlim_max = before.rlim_max};
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &few) == 0);
    while (true) {
        pgmoat::Descriptor one(::dup(0));
        if (!one) break;
        all_others.push_back(std::move(one));
    }
    client.connect(server.port);
    const std::clock_t cpu_before = std::clock();
    std::this_thread::sleep_for(500ms);
    const double cpu_seconds = static_cast<double>(std::clock() - cpu_before) / CLOCKS_PER_SEC;

    // No checks before this line: UBSan itself needs a descriptor to look up an object's type.
    all_others.clear();
    CHECK(cpu_seconds < 0.25);
    CHECK(client.get("/healthz").status == 200);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &before) == 0);
}
