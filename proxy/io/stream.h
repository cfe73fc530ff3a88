// One socket of the control plane, with the same functions for plaintext and TLS. Plaintext reads
// never take more from the socket than was asked for (law 6); with TLS, bytes received early stay
// here until they are read or handed over. Only one coroutine at a time may use a stream.
// interrupt() ends all waits, current and future ones.
#pragma once

#include "proxy/descriptor.h"
#include "proxy/io/asio.h"
#include "proxy/io/limits.h"
#include "proxy/relay/channel.h"
#include "tls/session.h"

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace pgmoat::io {

// The result of an operation. `detail` says what failed, without naming the side, which the session
// knows.
struct Result {
    enum class Status {
        ok,
        end_of_stream, // the peer closed properly; `bytes` were read before
        truncated,     // a TLS stream that ended without close_notify
        flooded,       // endless TLS messages without data
        failed,
        interrupted, // by interrupt()
    };
    Status status = Status::ok;
    std::size_t bytes = 0;
    std::string detail;
    error_code error = {}; // the socket's, if that failed

    explicit operator bool() const noexcept { return status == Status::ok; }
};

class Stream {
  public:
    explicit Stream(asio::io_context& context) : socket_(context) {}
    Stream(Stream&&) = default;
    Stream& operator=(Stream&&) = delete;

    // Takes a non-blocking socket, and must be called first. If it returns an errno, the stream
    // must not be used.
    [[nodiscard]] int open(Descriptor socket, int family);

    [[nodiscard]] Awaitable<Result> connect(const sockaddr* address, socklen_t size);

    // Waits for bytes and returns the first, which the next read returns again; plaintext only.
    // Reads up to `most` bytes from the socket, so no valid packet may be shorter than that.
    [[nodiscard]] Awaitable<Result> peek_byte(std::uint8_t& byte,
                                              std::size_t most = look_ahead_bytes);
    // Fills `into` completely, or reports how many bytes came before the end.
    [[nodiscard]] Awaitable<Result> read_exactly(std::span<std::uint8_t> into);
    // Reads at least one byte and at most into.size().
    [[nodiscard]] Awaitable<Result> read_some(std::span<std::uint8_t> into);
    // The same without waiting for the socket: ok with no bytes if nothing has arrived.
    [[nodiscard]] Awaitable<Result> read_available(std::span<std::uint8_t> into);
    // Sends all of `bytes`, encrypted if TLS is active.
    [[nodiscard]] Awaitable<Result> write(std::span<const std::uint8_t> bytes);

    // Whether the socket has unread bytes. Does not wait; plaintext only.
    [[nodiscard]] bool has_waiting_bytes();
    // Whether a read would return bytes without waiting for the socket.
    [[nodiscard]] bool holds_bytes() const noexcept;

    // Runs the handshake. After a failure tls() still has the reason, and the alert has been sent.
    [[nodiscard]] Awaitable<Result> start_tls(std::unique_ptr<tls::Session> session);
    [[nodiscard]] const tls::Session* tls() const noexcept { return tls_.get(); }
    [[nodiscard]] bool in_tls() const noexcept { return established_; }
    // The facts from the handshake, read only once since that parses certificates. Valid while
    // in_tls().
    [[nodiscard]] const tls::PeerFacts& peer() const noexcept { return *peer_; }

    void interrupt();
    [[nodiscard]] bool interrupted() const noexcept { return interrupted_; }
    // Ends the connection without sending anything: for deadlines.
    void abort();
    // Ends the connection so that the peer still receives what was written: sends `last_words`
    // (encrypted if TLS is active), close_notify and FIN, and discards unread bytes, because
    // close() with unread bytes sends a reset instead. Does not wait: what the socket does not
    // accept is lost.
    void close(std::span<const std::uint8_t> last_words = {});

    // Moves the socket and everything that belongs to it to the relay plane; the stream is empty
    // afterwards.
    [[nodiscard]] relay::Leg release();

    [[nodiscard]] Socket& socket() noexcept { return socket_; }

  private:
    [[nodiscard]] Awaitable<Result> wait(Socket::wait_type what);
    [[nodiscard]] Awaitable<Result> receive(std::span<std::uint8_t> into);
    [[nodiscard]] Result receive_now(std::span<std::uint8_t> into);
    [[nodiscard]] std::size_t take_ahead(std::span<std::uint8_t> into);
    enum class Patience { wait, no_wait };
    [[nodiscard]] Awaitable<Result> read(std::span<std::uint8_t> into, Patience patience);
    [[nodiscard]] Awaitable<Result> read_decrypted(std::span<std::uint8_t> into, Patience patience);
    [[nodiscard]] Awaitable<Result> receive_ciphertext(Patience patience);
    [[nodiscard]] Awaitable<Result> send_all(std::span<const std::uint8_t> bytes);
    [[nodiscard]] Awaitable<Result> flush();
    void consume(std::span<const std::uint8_t> rest);

    Socket socket_;
    std::unique_ptr<tls::Session> tls_;
    std::unique_ptr<const tls::PeerFacts> peer_;
    bool established_ = false;
    bool interrupted_ = false;
    bool end_of_stream_ = false;           // the peer's FIN was read
    bool drained_ = false;                 // peek_byte() got fewer bytes than it asked for
    std::vector<std::uint8_t> ahead_;      // from peek_byte(), not yet read; none in TLS
    std::vector<std::uint8_t> ciphertext_; // received, not yet decrypted
    std::vector<std::uint8_t> outgoing_;   // encrypted, not yet sent
};

} // namespace pgmoat::io
