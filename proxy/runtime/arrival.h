// Lets a coroutine of a control thread wait for an answer from a lookup thread. For one coroutine
// at a time. A wait may end without an answer, so the caller must check and wait again.
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

    // A callback for a worker. It holds only a weak_ptr: if the waiting coroutine is gone, the
    // answer is discarded. `place` is written and read on the control thread only.
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
    // Makes the waiting coroutine give up.
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
