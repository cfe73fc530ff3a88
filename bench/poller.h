// Edge-triggered epoll over objects that have a descriptor: registered once, never changed.
// With edges a short read means "empty", unless the event says that the peer has closed.
#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <span>
#include <vector>

namespace pgmoat::bench {

class Poller {
  public:
    Poller();
    ~Poller();
    Poller(const Poller&) = delete;
    Poller& operator=(const Poller&) = delete;

    // Closing the descriptor ends the registration.
    void add(int descriptor, void* owner);
    void remove(int descriptor);
    [[nodiscard]] std::span<const epoll_event> wait(std::chrono::milliseconds timeout);

    [[nodiscard]] static bool peer_closed(std::uint32_t events) noexcept {
        return (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0;
    }

  private:
    int descriptor_;
    std::vector<epoll_event> events_;
};

} // namespace pgmoat::bench
