// Start, stop, and the order of destruction.
#include "tests/component/admin/http_client.h"
#include "tests/component/admin/running_endpoint.h"

#include <memory>
#include <optional>

namespace asio = boost::asio;
using namespace pgmoat::admin;

TEST_CASE("Stopping closes the connections and the listening socket") {
    RunningEndpoint server;
    HttpClient idle(server.port);
    HttpClient silent(server.port);
    REQUIRE(idle.get("/healthz").status == 200);
    server.endpoint.stop();
    CHECK(idle.is_closed());
    CHECK(silent.is_closed());

    asio::io_context context;
    const std::string same_port = "127.0.0.1:" + std::to_string(server.port);
    CHECK_NOTHROW(open_http_sockets(context, same_port));
}

TEST_CASE("Stopping twice is stopping once") {
    RunningEndpoint server;
    server.endpoint.stop();
    server.endpoint.stop();
    SUCCEED("nothing waits or throws");
}

TEST_CASE("An endpoint that never ran goes away in silence") {
    asio::io_context context;
    HttpEndpoint endpoint(context, {});
    endpoint.start(open_http_sockets(context, "127.0.0.1:0").acceptors);
}

TEST_CASE("A context that runs on after its endpoint is gone comes to an end") {
    asio::io_context context;
    auto acceptors = open_http_sockets(context, "127.0.0.1:0").acceptors;
    const auto port = acceptors.front().local_endpoint().port();
    std::optional<HttpEndpoint> endpoint;
    endpoint.emplace(context, HttpPages{});
    endpoint->start(std::move(acceptors));
    HttpClient client(port);
    context.poll();
    endpoint.reset();
    context.run(); // returns: nothing is pending
    CHECK(client.is_closed());
}
