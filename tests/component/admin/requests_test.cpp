// Requests, well-formed and malformed.
#include "proxy/admin/limits.h"
#include "tests/component/admin/http_client.h"
#include "tests/component/admin/running_endpoint.h"

#include <string>

using namespace pgmoat::admin;

namespace {

const std::string get_health = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

HttpResponse answer_to(const std::string& bytes) {
    RunningEndpoint server;
    HttpClient client(server.port);
    (void)client.send(bytes);
    return client.read_response();
}

// A request whose header fields, including the empty line after them, have exactly this many bytes.
std::string request_with_header_of(std::size_t bytes) {
    const std::string begin = "X-Long: ";
    const std::string end = "\r\n\r\n";
    return "GET /healthz HTTP/1.0\r\n" + begin +
           std::string(bytes - begin.size() - end.size(), 'x') + end;
}

std::string request_with_fields(std::ptrdiff_t count) {
    std::string request = "GET /healthz HTTP/1.0\r\n";
    for (std::ptrdiff_t i = 0; i < count; ++i)
        request += "a: b\r\n";
    return request + "\r\n";
}

} // namespace

TEST_CASE("Pipelined requests are answered in their order") {
    RunningEndpoint server;
    HttpClient client(server.port);
    std::string requests;
    for (int i = 0; i < 500; ++i) {
        requests += get_health + "GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    }
    REQUIRE(client.send(requests));
    for (int i = 0; i < 500; ++i) {
        REQUIRE(client.read_response().body == "ok\n");
        REQUIRE(client.read_response().body == "pgmoat_up 1\n");
    }
}

TEST_CASE("A request that comes byte by byte is answered") {
    RunningEndpoint server;
    HttpClient client(server.port);
    for (int round = 0; round < 2; ++round) {
        for (const char byte : get_health)
            REQUIRE(client.send(std::string(1, byte)));
        CHECK(client.read_response().status == 200);
    }
}

TEST_CASE("A connection stays open unless the client says otherwise") {
    struct Case {
        std::string request;
        bool stays;
    };
    const auto [request, stays] = GENERATE_COPY(values<Case>({
        {"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", true},
        {"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", false},
        {"GET /healthz HTTP/1.0\r\n\r\n", false},
        {"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
    }));
    INFO(request);
    RunningEndpoint server;
    HttpClient client(server.port);
    REQUIRE(client.send(request));
    CHECK(client.read_response().status == 200);
    if (stays) {
        CHECK(client.get("/healthz").status == 200);
    } else {
        CHECK(client.is_closed());
    }
}

TEST_CASE("A header as long as allowed is read") {
    CHECK(answer_to(request_with_header_of(http_header_bytes_max)).status == 200);
}

TEST_CASE("A longer header is refused and the connection ends") {
    RunningEndpoint server;
    HttpClient client(server.port);
    (void)client.send(request_with_header_of(http_header_bytes_max + 1));
    CHECK(client.read_response().status == 431);
    CHECK(client.is_closed());
}

TEST_CASE("A header without an end is refused") {
    CHECK(answer_to("GET /" + std::string(100'000, 'x')).status == 431);
    CHECK(answer_to("GET / HTTP/1.1\r\n" + std::string(100'000, 'x')).status == 431);
}

TEST_CASE("As many fields as allowed are read, one more is refused") {
    CHECK(answer_to(request_with_fields(http_header_fields_max)).status == 200);
    CHECK(answer_to(request_with_fields(http_header_fields_max + 1)).status == 431);
}

TEST_CASE("What is no HTTP is refused and the connection ends") {
    const std::string bytes = GENERATE(as<std::string>{},
                                       "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
                                       "hello\r\n\r\n",
                                       "GET /healthz HTTP/9.9\r\n\r\n",
                                       "GET /healthz HTTP/1.1\r\nno colon\r\n\r\n",
                                       "GET /heal\x01thz HTTP/1.1\r\n\r\n",
                                       "GET  HTTP/1.1\r\n\r\n",
                                       "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n");
    INFO(bytes);
    RunningEndpoint server;
    HttpClient client(server.port);
    REQUIRE(client.send(bytes));
    CHECK(client.read_response().status == 400);
    CHECK(client.is_closed());
}

TEST_CASE("The body of a request is never taken for a request") {
    const std::string headers =
        GENERATE(as<std::string>{},
                 "GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 40\r\n\r\n",
                 "GET /healthz HTTP/1.1\r\nHost: a\r\nContent-Length: 9999999999\r\n\r\n",
                 "GET /healthz HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    INFO(headers);
    RunningEndpoint server;
    HttpClient client(server.port);
    (void)client.send(headers + get_health);
    CHECK(client.read_response().status == 200);
    CHECK(client.is_closed());
}

TEST_CASE("A client that disconnects in the middle harms no other") {
    RunningEndpoint server;
    for (std::size_t length = 0; length < get_health.size(); ++length) {
        HttpClient client(server.port);
        REQUIRE(client.send(get_health.substr(0, length)));
    }
    CHECK(HttpClient(server.port).get("/healthz").status == 200);
}

TEST_CASE("A request names one host, or it is refused") {
    for (const char* wrong : {"GET /healthz HTTP/1.1\r\n\r\n",
                              "GET /healthz HTTP/1.1\r\nHost:\r\n\r\n",
                              "GET /healthz HTTP/1.1\r\nHost:  \r\n\r\n",
                              "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n",
                              "GET /healthz HTTP/1.1\r\nHost: a, b\r\n\r\n",
                              "GET /healthz HTTP/1.1\r\nHost: user@a\r\n\r\n",
                              "GET /healthz HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n"}) {
        INFO(wrong);
        CHECK(answer_to(wrong).status == 400);
    }
    CHECK(answer_to("GET /healthz HTTP/1.0\r\n\r\n").status == 200);
    CHECK(answer_to("GET /healthz HTTP/1.1\r\nHost: a:1\r\n\r\n").status == 200);
}
