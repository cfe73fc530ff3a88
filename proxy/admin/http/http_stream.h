// The socket of one HTTP client, with the same functions for plaintext and TLS. TLS is tls::Session
// over buffers of ours, as everywhere; Beast's stream brings the deadline. One coroutine uses it.
#pragma once

#include "tls/session.h"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
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

class HttpStream {
  public:
    using Error = boost::system::error_code;
    template <typename T>
    using Awaitable = boost::asio::awaitable<T>;

    // Without a context: plaintext.
    HttpStream(boost::asio::ip::tcp::socket socket, const tls::ServerContext* context);

    // Everything that waits then ends with an error, and the socket is closed.
    void expires_after(std::chrono::seconds time) { stream_.expires_after(time); }

    // The client's IPv4 address, or the network of its IPv6 address that one machine can choose
    // addresses from (/64).
    [[nodiscard]] std::string network() const;

    // Does nothing without TLS.
    [[nodiscard]] Awaitable<Error> handshake();
    struct Read {
        Error error;
        std::size_t bytes;
    };
    // At least one byte, or an error; the end of the stream is one.
    [[nodiscard]] Awaitable<Read> read_some(std::span<std::uint8_t> into);
    [[nodiscard]] Awaitable<Error> write(std::string_view bytes);
    // Says that nothing more will come.
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
