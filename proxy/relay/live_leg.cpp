#include "proxy/relay/live_leg.h"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace pgmoat::relay {

LiveLeg::LiveLeg(Leg leg, metrics::Side which)
    : socket(std::move(leg.socket)), tls(std::move(leg.tls)), unread(std::move(leg.unread)),
      side(which), holds_bytes(tls != nullptr), unsent_(std::move(leg.unsent)) {}

void LiveLeg::note(std::uint32_t events) noexcept {
    if (events & EPOLLOUT) writable = true;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) readable = true;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) hung_up = true;
    if (events & (EPOLLHUP | EPOLLERR)) lost = writable = true;
}

Received LiveLeg::receive(std::span<std::uint8_t> into) noexcept {
    for (;;) {
        const ssize_t count = ::recv(socket.get(), into.data(), into.size(), 0);
        if (count > 0) {
            const auto bytes = static_cast<std::size_t>(count);
            if (bytes < into.size() && !hung_up) readable = false;
            return {.bytes = bytes};
        }
        if (count == 0) return {.end_of_stream = true};
        if (errno == EINTR) continue;
        if (errno != EAGAIN) return {.error = errno};
        readable = false;
        return {};
    }
}

int LiveLeg::send(std::span<const std::uint8_t> bytes) {
    if (owes()) {
        owe(bytes);
        return 0;
    }
    ssize_t count = 0;
    do {
        count = ::send(socket.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    } while (count < 0 && errno == EINTR);
    if (count < 0 && errno != EAGAIN) return errno;
    const auto taken = count < 0 ? 0 : static_cast<std::size_t>(count);
    if (taken < bytes.size()) {
        writable = false;
        owe(bytes.subspan(taken));
    }
    return 0;
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

void LiveLeg::forget_unsent() noexcept {
    if (unsent_.capacity() > 0)
        std::vector<std::uint8_t>().swap(unsent_); // nothing is kept while idle
    sent_ = 0;
}

void LiveLeg::finish_writing() noexcept {
    writing = Writing::closing;
    if (owes()) return;
    writing = Writing::ended;
    ::shutdown(socket.get(),
               SHUT_WR); // it fails only when the peer is gone, which reading will tell
}

void LiveLeg::break_writing() noexcept {
    writing = Writing::broken;
    forget_unsent();
    readable = hung_up = true; // what it had sent before it went must still be read, up to its end
}

} // namespace pgmoat::relay
