// Where a coroutine of a control thread waits for an answer of the lookups' threads. For one
// coroutine at a time; every wait may end for nothing, so the caller looks and waits again.
#pragma once

#include "proxy/io/asio.h"
#include "proxy/runtime/services.h"

#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

namespace pgmoat::runtime {

class Arrival {
  public:
    using Clock = std::chrono::steady_clock;

    explicit Arrival(ControlThread& thread) : thread_(thread), news_(thread.context) {}

    // To be given to a worker, which holds only a weak_ptr: if the waiting coroutine is gone, the
    // answer is discarded. Only the control thread reads the place that it is written to.
    template <typename Answer>
    [[nodiscard]] std::function<void(const Answer&)>
    delivery_to(const std::shared_ptr<std::optional<Answer>>& place) {
        return
            [this, weak = std::weak_ptr(place), executor = thread_.executor](const Answer& answer) {
                executor->post([this, weak, answer] {
                    const auto still_waiting = weak.lock();
                    if (!still_waiting) return;
                    still_waiting->emplace(answer);
                    wake();
                });
            };
    }

    [[nodiscard]] Awaitable<void> wait(Clock::time_point until = Clock::time_point::max()) {
        news_.expires_at(until);
        co_await news_.async_wait(as_value);
    }
    void wake() { news_.cancel(); }
    // The waiting coroutine is to give up.
    void interrupt() {
        interrupted_ = true;
        wake();
    }
    [[nodiscard]] bool interrupted() const noexcept { return interrupted_; }

  private:
    ControlThread& thread_;
    asio::steady_timer news_;
    bool interrupted_ = false;
};

} // namespace pgmoat::runtime
