// A minimal client of the HTTP endpoint: sends exactly the bytes that a test gives, and reads
// answers. Nothing here waits longer than ten seconds.
#pragma once

#include "proxy/descriptor.h"
#include "tests/support/catch.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <cstdint>
#include <map>
#include <sstream>
#include <string>
#include <string_view>

struct HttpResponse {
    int status = 0; // 0: the connection ended before an answer was complete
    std::map<std::string, std::string> headers;
    std::string body;
};

class HttpClient {
  public:
    explicit HttpClient(std::uint16_t port) : HttpClient() { connect(port); }
    HttpClient() : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
        REQUIRE(socket_);
        const timeval patience{.tv_sec = 10, .tv_usec = 0};
        REQUIRE(::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) ==
                0);
    }

    void connect(std::uint16_t port) {
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        const auto* generic = reinterpret_cast<const sockaddr*>(&address);
        REQUIRE(::connect(socket_.get(), generic, sizeof address) == 0);
    }

    // False: the endpoint has closed the connection.
    bool send(std::string_view bytes) {
        while (!bytes.empty()) {
            const auto sent = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (sent <= 0) return false;
            bytes.remove_prefix(static_cast<std::size_t>(sent));
        }
        return true;
    }

    // `has_body`: false for the answer to HEAD, whose Content-Length is not followed by a body.
    HttpResponse read_response(bool has_body = true) {
        std::size_t head_end = std::string::npos;
        while ((head_end = received_.find("\r\n\r\n")) == std::string::npos) {
            if (!receive()) return {};
        }
        HttpResponse response = parse_head(received_.substr(0, head_end));
        received_.erase(0, head_end + 4);
        const std::size_t length = has_body ? std::stoul(response.headers.at("Content-Length")) : 0;
        while (received_.size() < length) {
            if (!receive()) return {};
        }
        response.body = received_.substr(0, length);
        received_.erase(0, length);
        return response;
    }

    HttpResponse get(const std::string& target) {
        if (!send("GET " + target + " HTTP/1.1\r\nHost: localhost\r\n\r\n")) return {};
        return read_response();
    }

    // Whether the endpoint closes the connection without sending another byte.
    bool is_closed() { return received_.empty() && !receive(); }

  private:
    static HttpResponse parse_head(const std::string& head) {
        std::istringstream lines(head);
        HttpResponse response;
        std::string version;
        lines >> version >> response.status;
        std::string line;
        std::getline(lines, line);
        while (std::getline(lines, line)) {
            const auto colon = line.find(": ");
            REQUIRE(colon != std::string::npos);
            response.headers[line.substr(0, colon)] =
                line.substr(colon + 2, line.find('\r') - colon - 2);
        }
        return response;
    }

    bool receive() {
        char bytes[16 * 1024];
        const auto count = ::recv(socket_.get(), bytes, sizeof bytes, 0);
        if (count < 0) CHECK(errno != EAGAIN); // not a time-out
        if (count <= 0) return false;
        received_.append(bytes, static_cast<std::size_t>(count));
        return true;
    }

    pgmoat::Descriptor socket_;
    std::string received_;
};
