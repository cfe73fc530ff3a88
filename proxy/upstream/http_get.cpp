#include "proxy/upstream/http_get.h"

#include "protocol/bytes.h"
#include "proxy/upstream/address_lookup.h"
#include "proxy/upstream/limits.h"
#include "tls/session.h"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/error.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/http/write.hpp>

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <sstream>
#include <system_error>
#include <utility>

namespace pgmoat::upstream {

namespace http = boost::beast::http;
using lookups::SocketAddress;

namespace {

constexpr int http_1_1 = 11;

std::string request_for(const config::HttpAddress& address, const std::string& path) {
    http::request<http::empty_body> request{http::verb::get, path, http_1_1};
    const bool ipv6 = address.host.find(':') != std::string::npos;
    request.set(http::field::host,
                (ipv6 ? "[" + address.host + "]" : address.host) + ":" +
                    std::to_string(address.port));
    request.set(http::field::user_agent, "pgmoat/" PGMOAT_VERSION);
    request.set(http::field::connection, "close");
    std::ostringstream text;
    text << request;
    return std::move(text).str();
}

} // namespace

HttpGet::HttpGet(runtime::ControlThread& thread, std::shared_ptr<const tls::ClientContext> tls)
    : thread_(thread), tls_(std::move(tls)), arrival_(thread) {}

Awaitable<HttpReply> HttpGet::get(const config::HttpAddress& address,
                                  const std::string& path,
                                  std::chrono::milliseconds timeout) {
    HttpReply reply;
    timed_out_ = false;
    until_ = std::chrono::steady_clock::now() + timeout;
    const io::Deadline limit(thread_.deadlines, timeout, [this] {
        timed_out_ = true;
        arrival_.wake();
        if (stream_) stream_->interrupt();
    });
    reply.error = co_await connect(address);
    if (reply.error.empty()) reply.error = co_await exchange(address, path, reply);
    if (timed_out_) reply.error = "timeout expired";
    if (stream_) stream_->close();
    stream_.reset();
    co_return reply;
}

Awaitable<std::string> HttpGet::look_up(const config::HttpAddress& address,
                                        std::vector<SocketAddress>& found) {
    const auto answer = co_await look_up_addresses(thread_, arrival_, address.host, until_);
    if (!answer) co_return "timeout expired";
    if (answer->found.empty()) co_return answer->error;
    for (const SocketAddress& one : answer->found)
        found.push_back(lookups::with_port(one, address.port));
    co_return std::string();
}

// Connects to the first address that accepts.
Awaitable<std::string> HttpGet::connect(const config::HttpAddress& address) {
    std::vector<SocketAddress> found;
    if (const auto numeric = lookups::numeric_address(address.host, address.port)) {
        found.push_back(*numeric);
    } else {
        std::string wrong = co_await look_up(address, found);
        if (!wrong.empty()) co_return wrong;
    }
    std::string wrong;
    for (const SocketAddress& one : found) {
        if (timed_out_) co_return wrong;
        Descriptor socket(::socket(one.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        if (!socket) co_return std::generic_category().message(errno);
        stream_ = std::make_unique<io::Stream>(thread_.context);
        if (const int error = stream_->open(std::move(socket), one.family()))
            co_return std::generic_category().message(error);
        const io::Result connected = co_await stream_->connect(one.get(), one.size);
        if (connected) co_return std::string();
        wrong = told(connected);
    }
    co_return wrong;
}

Awaitable<std::string>
HttpGet::exchange(const config::HttpAddress& address, const std::string& path, HttpReply& reply) {
    if (address.tls) {
        auto session = std::make_unique<tls::Session>(*tls_, address.host);
        const io::Result started = co_await stream_->start_tls(std::move(session));
        if (!started) co_return told(started);
    }
    const std::string request = request_for(address, path);
    const io::Result sent = co_await stream_->write(protocol::as_bytes(request));
    if (!sent) co_return told(sent);

    http::response_parser<http::string_body> parser;
    parser.header_limit(http_header_bytes_max);
    parser.body_limit(http_body_bytes_max);
    parser.eager(true);
    std::array<std::uint8_t, http_read_bytes> into{};
    std::string unparsed;
    boost::system::error_code error;
    while (!parser.is_done()) {
        const io::Result read = co_await stream_->read_some(into);
        if (read.bytes == 0) {
            const bool ended = read.status == io::Result::Status::end_of_stream ||
                               read.status == io::Result::Status::truncated;
            if (!ended || !parser.got_some()) co_return told(read);
            parser.put_eof(error);
            if (error) co_return error.message();
            break;
        }
        unparsed.append(reinterpret_cast<const char*>(into.data()), read.bytes);
        const std::size_t taken = parser.put(asio::buffer(unparsed), error);
        unparsed.erase(0, taken);
        if (error && error != http::error::need_more) co_return error.message();
    }
    reply.status = parser.get().result_int();
    reply.body = parser.get().body();
    co_return std::string();
}

std::string HttpGet::told(const io::Result& result) const {
    return result.detail.empty() ? "server closed the connection unexpectedly" : result.detail;
}

} // namespace pgmoat::upstream
