#include "bench/poller.h"

#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace pgmoat::bench {
namespace {

constexpr std::size_t events_per_wait = 256;

} // namespace

Poller::Poller() : descriptor_(::epoll_create1(EPOLL_CLOEXEC)), events_(events_per_wait) {
    if (descriptor_ < 0) {
        throw std::system_error(errno, std::generic_category(), "epoll_create1");
    }
}

Poller::~Poller() {
    ::close(descriptor_);
}

void Poller::add(int descriptor, void* owner) {
    epoll_event event{};
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | static_cast<std::uint32_t>(EPOLLET);
    event.data.ptr = owner;
    if (::epoll_ctl(descriptor_, EPOLL_CTL_ADD, descriptor, &event) != 0) {
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }
}

void Poller::remove(int descriptor) {
    if (::epoll_ctl(descriptor_, EPOLL_CTL_DEL, descriptor, nullptr) != 0) {
        throw std::system_error(errno, std::generic_category(), "epoll_ctl");
    }
}

std::span<const epoll_event> Poller::wait(std::chrono::milliseconds timeout) {
    const int count = ::epoll_wait(descriptor_,
                                   events_.data(),
                                   static_cast<int>(events_.size()),
                                   static_cast<int>(timeout.count()));
    if (count < 0 && errno != EINTR) {
        throw std::system_error(errno, std::generic_category(), "epoll_wait");
    }
    return {events_.data(), count < 0 ? 0 : static_cast<std::size_t>(count)};
}

} // namespace pgmoat::bench
