// Invariant: whatever a client of the HTTP endpoint sends, each answer begins with a known status
// and has the headers for browsers, and the connection ends soon after the client has shut down its
// sending side.
#include "proxy/admin/http/http.h"
#include "proxy/admin/http/listen.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <thread>

using namespace pgmoat;
using namespace pgmoat::admin;
namespace asio = boost::asio;
using asio::ip::tcp;
using boost::system::error_code;

namespace {

void demand(bool holds, std::string_view what) {
    if (holds) return;
    std::cerr << what << '\n';
    std::abort();
}

HttpPages some_pages() {
    return {.metrics = [] { return std::string("pgmoat_up 1\n"); },
            .ready = [] { return true; },
            .status = [] { return Status{}; },
            .connections = [](std::size_t) { return LiveConnections{}; },
            .connection_metrics_max = [] { return std::size_t{1}; }};
}

struct Server {
    Server() {
        auto sockets = open_http_sockets(context, "127.0.0.1:0");
        where = sockets.acceptors.front().local_endpoint();
        endpoint.start(std::move(sockets.acceptors));
    }
    asio::io_context context{1};
    HttpEndpoint endpoint{context, some_pages()};
    tcp::endpoint where;
};

// Reads until the server closes.
std::string converse(Server& server, std::string_view bytes) {
    tcp::socket client(server.context);
    error_code error;
    // The system may be out of ports for a moment: thousands of connections are made per second.
    for (int attempt = 0; attempt == 0 || (error && attempt < 100); ++attempt) {
        if (error) std::this_thread::sleep_for(std::chrono::milliseconds(20));
        client.close();
        client.connect(server.where, error);
    }
    demand(!error, error.message());
    client.non_blocking(true);
    std::string answer;
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    for (bool said_all = false;;) {
        if (!bytes.empty())
            bytes.remove_prefix(client.write_some(asio::buffer(bytes.data(), bytes.size()), error));
        const bool is_over = bytes.empty() || (error && error != asio::error::would_block);
        if (is_over && !std::exchange(said_all, true))
            client.shutdown(tcp::socket::shutdown_send, error);
        server.context.restart();
        server.context.poll();
        std::array<char, 16384> piece{};
        const std::size_t count = client.read_some(asio::buffer(piece), error);
        answer.append(piece.data(), count);
        if (error && error != asio::error::would_block) return answer;
        demand(std::chrono::steady_clock::now() < give_up, "no end in time, after: " + answer);
    }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    static Server server;
    const std::string answer = converse(server, {reinterpret_cast<const char*>(data), size});
    if (answer.empty()) return 0;
    demand(answer.starts_with("HTTP/1.1 ") || answer.starts_with("HTTP/1.0 "), answer);
    const std::string status = answer.substr(9, 3);
    for (const char* known : {"200", "400", "404", "405", "421", "431", "503"})
        if (status == known) {
            demand(answer.find("X-Content-Type-Options: nosniff\r\n") != std::string::npos, answer);
            return 0;
        }
    demand(false, answer);
    return 0;
}
