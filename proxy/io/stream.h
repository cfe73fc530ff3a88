// One socket of the control plane, plaintext or TLS behind the same verbs: wait, read, write.
// Reads never take more from the socket than was asked for while it is in the clear (law 6); once
// TLS runs, what was received too early stays here until it is asked for or handed over. One
// coroutine at a time uses a stream. interrupt() ends every wait, now and later; its caller
// knows why.
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

// What came of one verb. `detail` says in words what failed, without the side: the session knows
// that.
struct Result {
    enum class Status {
        ok,
        end_of_stream, // closed in order; `bytes` were read before it
        truncated,     // a TLS stream that ended without close_notify
        flooded,       // TLS that brings no data, without end
        failed,
        interrupted, // by interrupt()
    };
    Status status = Status::ok;
    std::size_t bytes = 0;
    std::string detail;
    error_code error = {}; // of the socket, where it was the socket that failed

    explicit operator bool() const noexcept { return status == Status::ok; }
};

class Stream {
  public:
    explicit Stream(asio::io_context& context) : socket_(context) {}
    Stream(Stream&&) = default;
    Stream& operator=(Stream&&) = delete;

    // Takes a non-blocking socket. Nothing else may be called before, or when this gives an errno.
    [[nodiscard]] int open(Descriptor socket, int family);

    [[nodiscard]] Awaitable<Result> connect(const sockaddr* address, socklen_t size);

    // Waits for bytes and gives the first, which the next read gives again; in the clear only. Up to
    // `most` are taken from the socket, so no packet that can stand there may be shorter.
    [[nodiscard]] Awaitable<Result> peek_byte(std::uint8_t& byte,
                                              std::size_t most = look_ahead_bytes);
    // Fills `into` completely, or says how many bytes came before the end.
    [[nodiscard]] Awaitable<Result> read_exactly(std::span<std::uint8_t> into);
    // At least one byte, at most into.size().
    [[nodiscard]] Awaitable<Result> read_some(std::span<std::uint8_t> into);
    // The same without waiting for the socket: ok and no bytes when there is nothing to be had now.
    [[nodiscard]] Awaitable<Result> read_available(std::span<std::uint8_t> into);
    // All of `bytes`, encrypted when TLS runs.
    [[nodiscard]] Awaitable<Result> write(std::span<const std::uint8_t> bytes);

    // Whether the socket holds bytes that were not asked for yet. Does not wait; plaintext only.
    [[nodiscard]] bool has_waiting_bytes();
    // A read would give bytes without waiting for the socket.
    [[nodiscard]] bool holds_bytes() const noexcept;

    // Runs the handshake. On failure tls() still tells why, and the alert has been sent.
    [[nodiscard]] Awaitable<Result> start_tls(std::unique_ptr<tls::Session> session);
    [[nodiscard]] const tls::Session* tls() const noexcept { return tls_.get(); }
    [[nodiscard]] bool in_tls() const noexcept { return established_; }
    // What the handshake told, read once: certificates are parsed for it. Valid while in_tls().
    [[nodiscard]] const tls::PeerFacts& peer() const noexcept { return *peer_; }

    void interrupt();
    [[nodiscard]] bool interrupted() const noexcept { return interrupted_; }
    // Ends the connection without a word: what a deadline does.
    void abort();
    // Ends the connection so that what was written still arrives: `last_words` (encrypted when TLS
    // runs), close_notify, FIN, and what the peer sent unasked is thrown away, since closing over
    // unread bytes sends a reset instead. Does not wait: what the socket does not take is lost.
    void close(std::span<const std::uint8_t> last_words = {});

    // Gives the socket and all that belongs to it to the relay plane; the stream is empty after
    // that.
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
    bool drained_ = false;                 // a look ahead found less than it asked for
    std::vector<std::uint8_t> ahead_;      // of a look ahead, not yet read; none in TLS
    std::vector<std::uint8_t> ciphertext_; // received, not yet decrypted
    std::vector<std::uint8_t> outgoing_;   // encrypted, not yet sent
};

} // namespace pgmoat::io
