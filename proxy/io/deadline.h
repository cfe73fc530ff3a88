// The deadlines of one control thread, checked by one periodic timer instead of a timer each. A
// Deadline calls its action once when its time has come, unless it was destroyed before.
#pragma once

#include "proxy/io/asio.h"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <map>

namespace pgmoat::io {

class Deadline;

class DeadlineQueue {
  public:
    using Clock = std::chrono::steady_clock;

    explicit DeadlineQueue(asio::io_context& context) : timer_(context) {}
    // Disarms the remaining deadlines. The coroutines that own them are destroyed later, together
    // with the io_context.
    ~DeadlineQueue();
    DeadlineQueue(const DeadlineQueue&) = delete;
    DeadlineQueue& operator=(const DeadlineQueue&) = delete;

  private:
    friend class Deadline;
    using Queue = std::multimap<Clock::time_point, Deadline*>;

    Queue::iterator add(Clock::time_point at, Deadline& deadline);
    void tick();

    asio::steady_timer timer_;
    Queue queue_;
    bool ticking_ = false;
};

class Deadline {
  public:
    Deadline(DeadlineQueue& queue,
             DeadlineQueue::Clock::duration from_now,
             std::function<void()> action);
    ~Deadline();
    Deadline(const Deadline&) = delete;
    Deadline& operator=(const Deadline&) = delete;

    // Cancels the deadline.
    void disarm();
    [[nodiscard]] bool passed() const noexcept { return passed_; }

  private:
    friend class DeadlineQueue;
    DeadlineQueue& queue_;
    std::function<void()> action_;
    bool passed_ = false;
    bool armed_ = true; // in the queue
    DeadlineQueue::Queue::iterator position_;
};

} // namespace pgmoat::io
