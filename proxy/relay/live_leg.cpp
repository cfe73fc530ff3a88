#include "proxy/relay/live_leg.h"

#include "proxy/relay/uring.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <new>
#include <utility>

namespace pgmoat::relay {

LiveLeg::LiveLeg(Leg leg, metrics::Side which)
    : socket(std::move(leg.socket)), tls(std::move(leg.tls)), unread(std::move(leg.unread)),
      side(which), holds_bytes(tls && tls->holds_bytes()), unsent_(std::move(leg.unsent)) {}

void LiveLeg::note(std::uint32_t events) noexcept {
    if (events & EPOLLOUT) writable = true;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) readable = true;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) hung_up = true;
    if (events & (EPOLLHUP | EPOLLERR)) lost = writable = true;
}

Received LiveLeg::receive(std::span<std::uint8_t> into) noexcept {
    if (!room_.empty()) return judge(std::exchange(room_, {}), came_);
    ssize_t count = 0;
    do {
        count = ::recv(socket.get(), into.data(), into.size(), 0);
    } while (count < 0 && errno == EINTR);
    return judge(into, count < 0 ? -errno : count);
}

bool LiveLeg::has_news() const noexcept {
    std::uint8_t byte = 0;
    return ::recv(socket.get(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || errno != EAGAIN;
}

Received LiveLeg::judge(std::span<const std::uint8_t> room, ssize_t result) noexcept {
    if (result > 0) {
        const auto bytes = static_cast<std::size_t>(result);
        if (bytes < room.size() && !hung_up) readable = false;
        return {.bytes = room.first(bytes)};
    }
    if (result == 0) return {.end_of_stream = true};
    if (result != -EAGAIN) return {.error = static_cast<int>(-result)};
    readable = false;
    return {};
}

void LiveLeg::came(std::span<const std::uint8_t> room, int result) noexcept {
    if (result == Uring::refused) return;
    room_ = room;
    came_ = result;
}

// An end or an error stays where it is: it needs no memory, and the next receive() tells it.
void LiveLeg::keep_what_came() {
    if (room_.empty() || came_ == 0 || (came_ < 0 && came_ != -EAGAIN)) return;
    const Received got = judge(std::exchange(room_, {}), came_);
    unread.insert(unread.end(), got.bytes.begin(), got.bytes.end());
}

int LiveLeg::send(std::span<const std::uint8_t> bytes) {
    if (const int error = send_deferred(); error != 0) return error;
    if (owes()) {
        owe(bytes);
        return 0;
    }
    ssize_t count = 0;
    do {
        count = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    } while (count < 0 && errno == EINTR);
    return sent(bytes, count < 0 ? -errno : count);
}

int LiveLeg::sent(std::span<const std::uint8_t> bytes, ssize_t result) {
    if (result < 0 && result != -EAGAIN) return static_cast<int>(-result);
    const auto taken = result < 0 ? 0 : static_cast<std::size_t>(result);
    if (taken < bytes.size()) {
        writable = false;
        owe(bytes.subspan(taken));
    }
    return 0;
}

int LiveLeg::send_deferred() {
    if (!has_deferred()) return 0;
    return send(take_deferred());
}

void LiveLeg::deferred_sent(std::span<const std::uint8_t> bytes, int result) noexcept try {
    send_error_ = result == Uring::refused ? send(bytes) : sent(bytes, result);
} catch (const std::bad_alloc&) { // what is owed has no place: the stream is broken
    send_error_ = ENOMEM;
}

void LiveLeg::owe(std::span<const std::uint8_t> bytes) {
    unsent_.insert(unsent_.end(), bytes.begin(), bytes.end());
}

int LiveLeg::flush() {
    while (owes() && writable) {
        const ssize_t count =
            ::send(socket.get(), unsent_.data() + sent_, unsent_.size() - sent_, MSG_NOSIGNAL);
        if (count < 0 && errno == EINTR) continue;
        if (count < 0 && errno != EAGAIN) return errno;
        if (count > 0) sent_ += static_cast<std::size_t>(count);
        if (owes()) writable = false;
    }
    if (owes()) return 0;
    forget_unsent();
    if (writing == Writing::closing) finish_writing();
    return 0;
}

bool LiveLeg::can_leave() const noexcept {
    return !tls && writing == Writing::open && !reading_ended && !lost && !has_deferred() &&
           !has_kept_end() && !has_send_error();
}

void LiveLeg::wake_at(int bytes) noexcept {
    if (wakes_at_ == bytes) return;
    if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof bytes) == 0)
        wakes_at_ = bytes;
}

Leg LiveLeg::release() noexcept {
    wake_at(1);
    unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(sent_));
    sent_ = 0;
    return {std::move(socket), std::move(tls), std::move(unread), std::move(unsent_)};
}

void LiveLeg::forget_unsent() noexcept {
    if (unsent_.capacity() > 0)
        std::vector<std::uint8_t>().swap(unsent_); // nothing is kept while idle
    sent_ = 0;
}

void LiveLeg::finish_writing(bool closed_next) noexcept {
    writing = Writing::closing;
    try {
        if (has_deferred()) send_error_ = send_deferred();
    } catch (const std::bad_alloc&) {
        send_error_ = ENOMEM;
    }
    if (owes()) return;
    writing = Writing::ended;
    if (closed_next) return;
    ::shutdown(socket.get(),
               SHUT_WR); // it fails only when the peer is gone, which reading will tell
}

void LiveLeg::break_writing() noexcept {
    writing = Writing::broken;
    deferred_ = {};
    forget_unsent();
    readable = hung_up = true; // what it had sent before it went must still be read, up to its end
}

} // namespace pgmoat::relay
