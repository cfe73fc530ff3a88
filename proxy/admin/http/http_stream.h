// The socket of one HTTP client, with the same functions for plaintext and TLS. TLS is tls::Session
// over our own buffers, as everywhere; Beast's stream has the deadline. For one coroutine.
#pragma once

#include "tls/session.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <boost/system/error_code.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::admin {

// co_await gives the error with the result, instead of throwing it.
inline constexpr auto as_result = boost::asio::as_tuple(boost::asio::use_awaitable);

class HttpStream {
  public:
    using Error = boost::system::error_code;
    template <typename T>
    using Awaitable = boost::asio::awaitable<T>;

    // Without a context: plaintext.
    HttpStream(boost::asio::ip::tcp::socket socket, const tls::ServerContext* context);

    // After that time all waits end with an error, and the socket is closed.
    void expires_after(std::chrono::seconds time) { stream_.expires_after(time); }

    // The client's IPv4 address, or the /64 network of its IPv6 address, from which one machine can
    // choose addresses.
    [[nodiscard]] std::string network() const;

    // Does nothing without TLS.
    [[nodiscard]] Awaitable<Error> handshake();
    struct Read {
        Error error;
        std::size_t bytes;
    };
    // Reads at least one byte, or returns an error; the end of the stream is one.
    [[nodiscard]] Awaitable<Read> read_some(std::span<std::uint8_t> into);
    [[nodiscard]] Awaitable<Error> write(std::string_view bytes);
    // Ends the sending side.
    [[nodiscard]] Awaitable<Error> finish();

    void close() { stream_.close(); }

  private:
    [[nodiscard]] Awaitable<Error> receive();
    [[nodiscard]] Awaitable<Error> flush();
    [[nodiscard]] tls::Wire wire() noexcept { return {incoming_, end_of_stream_, outgoing_}; }
    void consume(std::span<const std::uint8_t> rest);

    boost::beast::tcp_stream stream_;
    std::unique_ptr<tls::Session> tls_;
    bool end_of_stream_ = false;
    std::vector<std::uint8_t> incoming_; // received, not yet decrypted
    std::vector<std::uint8_t> outgoing_; // encrypted, not yet sent
};

} // namespace pgmoat::admin
