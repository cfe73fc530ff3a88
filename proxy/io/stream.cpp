#include "proxy/io/stream.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/error.hpp>

#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace pgmoat::io {

namespace {

Result failed_with(int error, std::size_t bytes = 0) {
    return {Result::Status::failed,
            bytes,
            std::generic_category().message(error),
            error_code(error, boost::system::system_category())};
}

Result interruption() {
    return {Result::Status::interrupted, 0, "interrupted", {}};
}

Result tls_failed(const tls::Session& session) {
    const bool flood = session.failure() == tls::Failure::flood;
    return {flood ? Result::Status::flooded : Result::Status::failed, 0, session.error(), {}};
}

bool is_loopback(const sockaddr* address) {
    constexpr std::uint32_t network = 127;
    if (address->sa_family == AF_INET6)
        return IN6_IS_ADDR_LOOPBACK(&reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr);
    if (address->sa_family != AF_INET) return false;
    return ntohl(reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr) >> 24 == network;
}

bool would_block(int error) {
    return error == EAGAIN || error == EWOULDBLOCK;
}

} // namespace

int Stream::open(Descriptor socket, int family) {
    error_code error;
    socket_.assign(asio::generic::stream_protocol(family, 0), socket.get(), error);
    if (error) return error.value();
    (void)socket.release();
    return 0;
}

Awaitable<Result> Stream::wait(Socket::wait_type what) {
    if (interrupted_) co_return interruption();
    const auto [error] = co_await socket_.async_wait(what, as_value);
    if (interrupted_) co_return interruption();
    if (error) co_return Result{Result::Status::failed, 0, error.message(), error};
    co_return Result{};
}

Awaitable<Result> Stream::connect(const sockaddr* address, socklen_t size) {
    if (interrupted_) co_return interruption();
    const int number = socket_.native_handle();
    if (::connect(number, address, size) == 0) co_return Result{};
    if (errno != EINPROGRESS && errno != EINTR) co_return failed_with(errno);
    // On loopback the server has already accepted or refused: a second connect() returns the result
    // without waiting.
    if (is_loopback(address)) {
        if (::connect(number, address, size) == 0) co_return Result{};
        if (errno != EALREADY && errno != EINPROGRESS && errno != EINTR)
            co_return failed_with(errno);
    }
    if (Result waited = co_await wait(Socket::wait_write); !waited) co_return waited;
    int error = 0;
    socklen_t error_size = sizeof error;
    if (::getsockopt(number, SOL_SOCKET, SO_ERROR, &error, &error_size) != 0) error = errno;
    if (error != 0) co_return failed_with(error);
    co_return Result{};
}

// async_receive() tries to read first, and then waits for the edge-triggered event that is
// registered already; async_wait() would call epoll_ctl() again.
Awaitable<Result> Stream::receive(std::span<std::uint8_t> into) {
    if (interrupted_) co_return interruption();
    const auto buffer = asio::buffer(into.data(), into.size());
    const auto [error, bytes] = co_await socket_.async_receive(buffer, as_value);
    if (interrupted_) co_return interruption();
    if (error == asio::error::eof) co_return Result{Result::Status::end_of_stream, 0, {}, {}};
    if (error) co_return Result{Result::Status::failed, 0, error.message(), error};
    co_return Result{Result::Status::ok, bytes, {}, {}};
}

// Ok with no bytes: nothing has arrived.
Result Stream::receive_now(std::span<std::uint8_t> into) {
    ssize_t received = 0;
    do {
        received = ::recv(socket_.native_handle(), into.data(), into.size(), MSG_DONTWAIT);
    } while (received < 0 && errno == EINTR);
    if (received > 0) return {Result::Status::ok, static_cast<std::size_t>(received), {}, {}};
    if (received == 0) return {Result::Status::end_of_stream, 0, {}, {}};
    return would_block(errno) ? Result{} : failed_with(errno);
}

std::size_t Stream::take_ahead(std::span<std::uint8_t> into) {
    const std::size_t count = std::min(into.size(), ahead_.size());
    const auto end = ahead_.begin() + static_cast<std::ptrdiff_t>(count);
    std::copy(ahead_.begin(), end, into.begin());
    ahead_.erase(ahead_.begin(), end);
    return count;
}

Awaitable<Result> Stream::peek_byte(std::uint8_t& byte, std::size_t most) {
    if (ahead_.empty()) {
        ahead_.resize(most);
        Result received = co_await receive(ahead_);
        ahead_.resize(received.bytes);
        if (!received) co_return received;
        drained_ = received.bytes < most;
    }
    byte = ahead_.front();
    co_return Result{Result::Status::ok, 1, {}, {}};
}

Awaitable<Result> Stream::read_exactly(std::span<std::uint8_t> into) {
    std::size_t filled = 0;
    while (filled < into.size()) {
        Result read = co_await read_some(into.subspan(filled));
        filled += read.bytes;
        if (!read) {
            read.bytes = filled;
            co_return read;
        }
    }
    co_return Result{Result::Status::ok, filled, {}, {}};
}

Awaitable<Result> Stream::read_some(std::span<std::uint8_t> into) {
    return read(into, Patience::wait);
}

Awaitable<Result> Stream::read_available(std::span<std::uint8_t> into) {
    return read(into, Patience::no_wait);
}

Awaitable<Result> Stream::read(std::span<std::uint8_t> into, Patience patience) {
    if (interrupted_) co_return interruption();
    if (established_) co_return co_await read_decrypted(into, patience);
    if (const std::size_t taken = take_ahead(into); taken > 0)
        co_return Result{Result::Status::ok, taken, {}, {}};
    drained_ = false;
    if (patience == Patience::no_wait) co_return receive_now(into);
    co_return co_await receive(into);
}

Awaitable<Result> Stream::read_decrypted(std::span<std::uint8_t> into, Patience patience) {
    for (;;) {
        tls::Wire wire{ciphertext_, end_of_stream_, outgoing_};
        const tls::ReadResult read = tls_->read(into, wire);
        consume(wire.in);
        if (Result sent = co_await flush(); !sent) co_return sent;
        if (read.bytes > 0) co_return Result{Result::Status::ok, read.bytes, {}, {}};
        switch (read.status) {
        case tls::Status::ok:
        case tls::Status::want_read: break;
        case tls::Status::closed: co_return Result{Result::Status::end_of_stream, 0, {}, {}};
        case tls::Status::truncated:
            co_return Result{Result::Status::truncated, 0, "TLS closed without close_notify", {}};
        case tls::Status::failed: co_return tls_failed(*tls_);
        }
        const Result received = co_await receive_ciphertext(patience);
        if (!received) co_return received;
        if (received.bytes == 0 && !end_of_stream_) co_return Result{}; // nothing has arrived
    }
}

// The end of the stream is not an error here: the TLS session decides whether it is one.
Awaitable<Result> Stream::receive_ciphertext(Patience patience) {
    const std::size_t kept = ciphertext_.size();
    ciphertext_.resize(kept + receive_bytes);
    const auto room = std::span(ciphertext_).subspan(kept);
    Result received;
    if (patience == Patience::no_wait)
        received = receive_now(room);
    else
        received = co_await receive(room);
    ciphertext_.resize(kept + received.bytes);
    if (received.status != Result::Status::end_of_stream) co_return received;
    end_of_stream_ = true;
    co_return Result{};
}

Awaitable<Result> Stream::write(std::span<const std::uint8_t> bytes) {
    if (!established_) {
        Result sent = co_await send_all(bytes);
        // A later message to the peer must not begin in the middle of this one, so the rest is
        // kept.
        if (sent.status == Result::Status::interrupted && sent.bytes > 0)
            outgoing_.assign(bytes.begin() + static_cast<std::ptrdiff_t>(sent.bytes), bytes.end());
        co_return sent;
    }
    tls::Wire wire{ciphertext_, end_of_stream_, outgoing_};
    const tls::Status written = tls_->write(bytes, wire);
    consume(wire.in);
    if (Result sent = co_await flush(); !sent) co_return sent;
    if (written != tls::Status::ok) co_return Result{Result::Status::failed, 0, tls_->error(), {}};
    co_return Result{Result::Status::ok, bytes.size(), {}, {}};
}

Awaitable<Result> Stream::send_all(std::span<const std::uint8_t> bytes) {
    std::size_t sent = 0;
    while (sent < bytes.size()) {
        const ssize_t now =
            ::send(socket_.native_handle(), bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
        if (now >= 0) {
            sent += static_cast<std::size_t>(now);
            continue;
        }
        if (errno == EINTR) continue;
        if (!would_block(errno)) co_return failed_with(errno, sent);
        if (Result waited = co_await wait(Socket::wait_write); !waited) {
            waited.bytes = sent;
            co_return waited;
        }
    }
    co_return Result{Result::Status::ok, sent, {}, {}};
}

Awaitable<Result> Stream::flush() {
    if (outgoing_.empty()) co_return Result{};
    Result sent = co_await send_all(outgoing_);
    outgoing_.erase(outgoing_.begin(), outgoing_.begin() + static_cast<std::ptrdiff_t>(sent.bytes));
    co_return sent;
}

void Stream::consume(std::span<const std::uint8_t> rest) {
    ciphertext_.erase(ciphertext_.begin(),
                      ciphertext_.end() - static_cast<std::ptrdiff_t>(rest.size()));
}

bool Stream::has_waiting_bytes() {
    if (!ahead_.empty()) return true;
    if (std::exchange(drained_, false)) return false;
    std::uint8_t byte = 0;
    return ::recv(socket_.native_handle(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

bool Stream::holds_bytes() const noexcept {
    if (!ahead_.empty()) return true;
    return established_ && (!ciphertext_.empty() || tls_->holds_plaintext());
}

Awaitable<Result> Stream::start_tls(std::unique_ptr<tls::Session> session) {
    tls_ = std::move(session);
    ciphertext_ = std::exchange(ahead_, {});
    for (;;) {
        tls::Wire wire{ciphertext_, end_of_stream_, outgoing_};
        const tls::Status status = tls_->handshake(wire);
        consume(wire.in);
        // As in PostgreSQL, a peer that has gone gets no alert.
        if (status != tls::Status::ok && end_of_stream_) outgoing_.clear();
        if (Result sent = co_await flush(); !sent && status != tls::Status::failed) co_return sent;
        if (status == tls::Status::ok) break;
        if (status != tls::Status::want_read)
            co_return Result{Result::Status::failed, 0, tls_->error(), {}};
        if (Result received = co_await receive_ciphertext(Patience::wait); !received)
            co_return received;
    }
    established_ = true;
    peer_ = std::make_unique<tls::PeerFacts>(tls_->facts());
    co_return Result{};
}

void Stream::interrupt() {
    interrupted_ = true;
    error_code ignored;
    socket_.cancel(ignored);
}

void Stream::abort() {
    error_code ignored;
    socket_.close(ignored);
}

void Stream::close(std::span<const std::uint8_t> last_words) {
    if (!socket_.is_open()) return;
    const int number = socket_.native_handle();
    if (established_) {
        tls::Wire wire{ciphertext_, end_of_stream_, outgoing_};
        if (!last_words.empty()) (void)tls_->write(last_words, wire);
        tls_->shut_down(wire);
    } else {
        outgoing_.insert(outgoing_.end(), last_words.begin(), last_words.end());
    }
    if (!outgoing_.empty())
        (void)::send(number, outgoing_.data(), outgoing_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    ::shutdown(number, SHUT_WR);
    std::array<std::uint8_t, 4096> discarded;
    for (std::size_t total = 0; total < discard_bytes_max;) {
        const ssize_t received = ::recv(number, discarded.data(), discarded.size(), MSG_DONTWAIT);
        if (received <= 0) break;
        total += static_cast<std::size_t>(received);
    }
    error_code ignored;
    socket_.close(ignored);
}

relay::Leg Stream::release() {
    relay::Leg leg;
    leg.socket = Descriptor(socket_.release());
    if (established_) {
        tls_->stop_wiping();
        leg.tls = std::move(tls_);
    }
    // Moved, not copied, and freed if empty: the session must not keep the memory that the
    // handshake needed.
    if (!ciphertext_.empty()) leg.unread = std::move(ciphertext_);
    if (!ahead_.empty()) leg.unread = std::move(ahead_);
    if (!outgoing_.empty()) leg.unsent = std::move(outgoing_);
    established_ = false;
    return leg;
}

} // namespace pgmoat::io
