// One end of a relayed connection in tests: a blocking socket, with or without TLS. Peers run in
// threads of their own, so they make no assertions: they return what they saw.
#pragma once

#include "proxy/descriptor.h"
#include "tls/session.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pgmoat::test {

using Bytes = std::vector<std::uint8_t>;

inline Bytes bytes_of(std::string_view text) {
    return {text.begin(), text.end()};
}

// Compares large byte strings, which a failed assertion should not print.
inline bool same(const Bytes& got, const Bytes& expected) {
    return got == expected;
}

// Bytes with which lost, repeated or swapped pieces are noticed: random ones, repeated with a
// period that no buffer size divides. Comparing costs a memcmp.
class Pattern {
  public:
    explicit Pattern(std::uint64_t seed) : block_(65'521) {
        std::uint64_t state = seed * 2 + 1;
        for (auto& byte : block_) {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            byte = static_cast<std::uint8_t>(state >> 5);
        }
    }
    Bytes next(std::size_t size) {
        Bytes bytes;
        bytes.reserve(size);
        each_run(size, [&](auto run) { bytes.insert(bytes.end(), run.begin(), run.end()); });
        return bytes;
    }
    // Whether these are the next bytes.
    bool matches(std::span<const std::uint8_t> bytes) {
        bool same = true;
        each_run(bytes.size(), [&](auto run) {
            same = same && std::equal(run.begin(), run.end(), bytes.begin());
            bytes = bytes.subspan(run.size());
        });
        return same;
    }

  private:
    void each_run(std::size_t size, auto&& visit) {
        while (size > 0) {
            const std::size_t run = std::min(size, block_.size() - position_);
            visit(std::span<const std::uint8_t>(block_.data() + position_, run));
            position_ = (position_ + run) % block_.size();
            size -= run;
        }
    }

    Bytes block_;
    std::size_t position_ = 0;
};

inline Bytes pattern(std::uint64_t seed, std::size_t size) {
    return Pattern(seed).next(size);
}

// Two connected TCP sockets over loopback.
inline std::pair<Descriptor, Descriptor> tcp_pair() {
    const Descriptor listener(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(listener.get(), generic, size) != 0 || ::listen(listener.get(), 1) != 0 ||
        ::getsockname(listener.get(), generic, &size) != 0)
        throw std::runtime_error("no listener");
    Descriptor near(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::connect(near.get(), generic, size) != 0) throw std::runtime_error("no connection");
    Descriptor far(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
    const int on = 1;
    for (const int socket : {near.get(), far.get()})
        ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return {std::move(near), std::move(far)};
}

inline std::pair<Descriptor, Descriptor> unix_pair() {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        throw std::runtime_error("no socket pair");
    return {Descriptor(ends[0]), Descriptor(ends[1])};
}

class Peer {
  public:
    explicit Peer(Descriptor socket, std::unique_ptr<tls::Session> session = nullptr)
        : socket_(std::move(socket)), session_(std::move(session)) {
        set_patience(std::chrono::seconds(60)); // long, because the machine may be busy
    }

    // How long one recv or send may block, so that a test that waits in vain ends.
    void set_patience(std::chrono::milliseconds patience) {
        timeval time{};
        time.tv_sec = patience.count() / 1000;
        time.tv_usec = patience.count() % 1000 * 1000;
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_SNDTIMEO, &time, sizeof time);
    }

    // False: the connection is closed.
    bool send(std::span<const std::uint8_t> bytes) {
        if (!session_) return send_raw(bytes);
        Bytes out;
        tls::Wire wire{{}, false, out};
        return session_->write(bytes, wire) == tls::Status::ok && send_raw(out);
    }
    bool send(std::string_view text) { return send(bytes_of(text)); }

    bool send_raw(std::span<const std::uint8_t> bytes) {
        while (!bytes.empty()) {
            const ssize_t count = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count < 0 && errno == EINTR) continue;
            if (count <= 0) return false;
            bytes = bytes.subspan(static_cast<std::size_t>(count));
        }
        return true;
    }

    // Sends as much as the socket accepts at once and removes it from the front; false: closed.
    bool send_now(Bytes& raw) {
        const ssize_t count =
            ::send(socket_.get(), raw.data(), raw.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count < 0) return errno == EAGAIN;
        sent_raw += static_cast<std::size_t>(count);
        raw.erase(raw.begin(), raw.begin() + count);
        return true;
    }
    // Waits until bytes can be received (or, if requested, sent); false: neither in time.
    bool wait(bool to_send) {
        pollfd entry{socket_.get(), static_cast<short>(POLLIN | (to_send ? POLLOUT : 0)), 0};
        return ::poll(&entry, 1, 60'000) == 1;
    }
    // One recv without waiting, appended as plaintext; false: the stream has ended.
    bool receive_now(Bytes& into) {
        std::swap(ready_, into);
        const bool more = receive_once(MSG_DONTWAIT);
        std::swap(ready_, into);
        return more;
    }

    // The bytes that the peer would send for this plaintext; to be sent in pieces or handed over.
    Bytes encrypted(std::span<const std::uint8_t> bytes) {
        Bytes out;
        tls::Wire wire{{}, false, out};
        if (session_->write(bytes, wire) != tls::Status::ok) throw std::runtime_error("write");
        return out;
    }
    Bytes close_notify() {
        Bytes out;
        tls::Wire wire{{}, false, out};
        session_->shut_down(wire);
        return out;
    }

    // Up to `size` bytes; fewer: the stream ended or the time is up (see ended_by()).
    Bytes receive(std::size_t size) {
        Bytes bytes;
        while (bytes.size() < size && receive_some(size - bytes.size(), bytes)) {
        }
        return bytes;
    }
    std::string receive_text(std::size_t size) {
        const Bytes bytes = receive(size);
        return {bytes.begin(), bytes.end()};
    }
    // Everything up to the end of the stream.
    Bytes receive_all() { return receive(static_cast<std::size_t>(-1)); }

    // How the stream ended: "" while it has not.
    [[nodiscard]] const std::string& ended_by() const { return ended_by_; }

    // Ends the sending side: close_notify if there is TLS, then FIN.
    void finish() {
        if (session_) send_raw(close_notify());
        ::shutdown(socket_.get(), SHUT_WR);
    }
    void shut_down_writing() { ::shutdown(socket_.get(), SHUT_WR); }
    void close() { socket_.reset(); }
    void reset() {
        const linger at_once{1, 0};
        ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        socket_.reset();
    }
    [[nodiscard]] int socket() const { return socket_.get(); }
    tls::Session* session() { return session_.get(); }

    Bytes unfinished;         // where a test keeps what send_now() did not send
    std::size_t sent_raw = 0; // by send_now()

  private:
    // False: nothing more will come.
    bool receive_some(std::size_t most, Bytes& into) {
        if (!ready_.empty()) {
            const std::size_t count = std::min(most, ready_.size());
            const auto end = ready_.begin() + static_cast<std::ptrdiff_t>(count);
            into.insert(into.end(), ready_.begin(), end);
            ready_.erase(ready_.begin(), end);
            return true;
        }
        if (!ended_by_.empty()) return false;
        return receive_once(0);
    }

    bool receive_once(int flags) {
        std::array<std::uint8_t, 32768> chunk{};
        const ssize_t count = ::recv(socket_.get(), chunk.data(), chunk.size(), flags);
        if (count < 0 && errno == EINTR) return true;
        if (count < 0 && errno == EAGAIN && flags != 0) return true;
        if (count < 0) {
            ended_by_ = errno == EAGAIN ? "patience" : "error";
            return false;
        }
        const std::span received(chunk.data(), static_cast<std::size_t>(count));
        if (session_) return decrypt(received);
        if (count == 0) ended_by_ = "end of stream";
        ready_.insert(ready_.end(), received.begin(), received.end());
        return count > 0;
    }

    bool decrypt(std::span<const std::uint8_t> received) {
        Bytes answer;
        tls::Wire wire{received, received.empty(), answer};
        std::array<std::uint8_t, 32768> plain{};
        tls::ReadResult got{};
        do {
            got = session_->read(plain, wire);
            ready_.insert(ready_.end(), plain.data(), plain.data() + got.bytes);
        } while (got.status == tls::Status::ok);
        send_raw(answer);
        if (got.status == tls::Status::closed) ended_by_ = "close_notify";
        if (got.status == tls::Status::truncated) ended_by_ = "truncation";
        if (got.status == tls::Status::failed) ended_by_ = session_->error();
        return ended_by_.empty() || !ready_.empty();
    }

    Descriptor socket_;
    std::unique_ptr<tls::Session> session_;
    Bytes ready_;
    std::string ended_by_;
};

} // namespace pgmoat::test
