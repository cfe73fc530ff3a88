// No co_await in an arm of `?:` here: g++ 12 destroys its result twice, if that owns something. In
// other conditions (if, while, &&) it is safe.
#include "proxy/admin/http/http_stream.h"

#include "proxy/admin/limits.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/write.hpp>
#include <boost/system/errc.hpp>

#include <algorithm>
#include <utility>

namespace asio = boost::asio;

namespace pgmoat::admin {

namespace {

constexpr std::size_t receive_bytes = 16 * 1024; // a TLS record

HttpStream::Error tls_failed() {
    return make_error_code(boost::system::errc::protocol_error);
}

} // namespace

HttpStream::HttpStream(asio::ip::tcp::socket socket, const tls::ServerContext* context)
    : stream_(std::move(socket)),
      tls_(context ? std::make_unique<tls::Session>(*context) : nullptr) {}

std::string HttpStream::network() const {
    Error error;
    const auto address = stream_.socket().remote_endpoint(error).address();
    if (error) return {};
    if (!address.is_v6() || address.to_v6().is_v4_mapped()) return address.to_string();
    auto bytes = address.to_v6().to_bytes();
    std::fill(bytes.begin() + 8, bytes.end(), std::uint8_t{0});
    return asio::ip::address_v6(bytes).to_string() + "/64";
}

HttpStream::Awaitable<HttpStream::Error> HttpStream::handshake() {
    while (tls_) {
        tls::Wire now = wire();
        const tls::Status status = tls_->handshake(now);
        consume(now.in);
        const Error sent = co_await flush();
        if (status == tls::Status::ok) co_return sent;
        if (sent) co_return sent;
        if (status != tls::Status::want_read) co_return tls_failed();
        const Error received = co_await receive();
        if (received) co_return received;
    }
    co_return Error{};
}

HttpStream::Awaitable<HttpStream::Read> HttpStream::read_some(std::span<std::uint8_t> into) {
    if (!tls_) {
        const auto [error, bytes] =
            co_await stream_.async_read_some(asio::buffer(into.data(), into.size()), as_result);
        co_return Read{error, bytes};
    }
    for (;;) {
        tls::Wire now = wire();
        const tls::ReadResult read = tls_->read(into, now);
        consume(now.in);
        const Error sent = co_await flush();
        if (read.bytes > 0) co_return Read{{}, read.bytes};
        if (sent) co_return Read{sent, 0};
        const bool more = read.status == tls::Status::ok || read.status == tls::Status::want_read;
        if (!more) co_return Read{asio::error::eof, 0};
        const Error received = co_await receive();
        if (received) co_return Read{received, 0};
    }
}

HttpStream::Awaitable<HttpStream::Error> HttpStream::write(std::string_view bytes) {
    if (!tls_) {
        const auto [error, sent] = co_await asio::async_write(
            stream_, asio::buffer(bytes.data(), bytes.size()), as_result);
        co_return error;
    }
    while (!bytes.empty()) {
        const std::string_view piece = bytes.substr(0, http_write_bytes);
        bytes.remove_prefix(piece.size());
        tls::Wire now = wire();
        const tls::Status status =
            tls_->write({reinterpret_cast<const std::uint8_t*>(piece.data()), piece.size()}, now);
        consume(now.in);
        if (status != tls::Status::ok) co_return tls_failed();
        const Error sent = co_await flush();
        if (sent) co_return sent;
    }
    co_return Error{};
}

HttpStream::Awaitable<HttpStream::Error> HttpStream::finish() {
    if (tls_) {
        tls::Wire now = wire();
        tls_->shut_down(now);
        consume(now.in);
        const Error sent = co_await flush();
        if (sent) co_return sent;
    }
    Error error;
    stream_.socket().shutdown(asio::ip::tcp::socket::shutdown_send, error);
    co_return error;
}

// The TLS session decides whether the end of the stream is an error; the second time it is one
// here.
HttpStream::Awaitable<HttpStream::Error> HttpStream::receive() {
    if (end_of_stream_) co_return asio::error::eof;
    const std::size_t kept = incoming_.size();
    incoming_.resize(kept + receive_bytes);
    const auto [error, bytes] = co_await stream_.async_read_some(
        asio::buffer(incoming_.data() + kept, receive_bytes), as_result);
    incoming_.resize(kept + bytes);
    end_of_stream_ = error == asio::error::eof;
    co_return end_of_stream_ ? Error{} : error;
}

HttpStream::Awaitable<HttpStream::Error> HttpStream::flush() {
    if (outgoing_.empty()) co_return Error{};
    const auto [error, sent] =
        co_await asio::async_write(stream_, asio::buffer(outgoing_), as_result);
    outgoing_.clear();
    co_return error;
}

void HttpStream::consume(std::span<const std::uint8_t> rest) {
    incoming_.erase(incoming_.begin(), incoming_.end() - static_cast<std::ptrdiff_t>(rest.size()));
}

} // namespace pgmoat::admin
