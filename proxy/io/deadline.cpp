#include "proxy/io/deadline.h"

#include "proxy/io/limits.h"

#include <exception>
#include <utility>

namespace pgmoat::io {

DeadlineQueue::~DeadlineQueue() {
    for (auto& [at, deadline] : queue_)
        deadline->armed_ = false;
}

DeadlineQueue::Queue::iterator DeadlineQueue::add(Clock::time_point at, Deadline& deadline) {
    if (!ticking_) tick(); // first: if this throws, the deadline must not stay in the queue
    return queue_.emplace(at, &deadline);
}

void DeadlineQueue::tick() {
    ticking_ =
        false; // stays false if setting the timer throws, so that the next deadline tries again
    timer_.expires_after(deadline_tick);
    timer_.async_wait([this](const error_code& error) {
        if (error) return;
        const auto now = Clock::now();
        std::exception_ptr failure; // of an action: must not prevent the others
        while (!queue_.empty() && queue_.begin()->first <= now) {
            Deadline& deadline = *queue_.begin()->second;
            queue_.erase(queue_.begin());
            deadline.passed_ = true;
            deadline.armed_ = false;
            const auto action = std::move(deadline.action_); // it may destroy the deadline
            try {
                action();
            } catch (...) {
                failure = std::current_exception();
            }
        }
        if (queue_.empty())
            ticking_ = false;
        else
            tick();
        if (failure) std::rethrow_exception(failure);
    });
    ticking_ = true;
}

Deadline::Deadline(DeadlineQueue& queue,
                   DeadlineQueue::Clock::duration from_now,
                   std::function<void()> action)
    : queue_(queue), action_(std::move(action)),
      position_(queue.add(DeadlineQueue::Clock::now() + from_now, *this)) {}

void Deadline::disarm() {
    if (std::exchange(armed_, false)) queue_.queue_.erase(position_);
}

Deadline::~Deadline() {
    disarm();
}

} // namespace pgmoat::io
