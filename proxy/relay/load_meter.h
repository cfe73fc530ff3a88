// How busy a relay thread is: the share of its time that it does not spend waiting for events, over
// the last second. Written by that thread, read when a thread is chosen for a new channel.
#pragma once

#include "metrics/recent_maximum.h"

#include <atomic>
#include <chrono>

namespace pgmoat::relay {

class LoadMeter {
  public:
    using Time = std::chrono::steady_clock::time_point;

    explicit LoadMeter(Time now) noexcept : started_(now), published_at_(now.time_since_epoch()) {}

    // Around every wait; the thread itself.
    void waits(Time now) noexcept { wait_started_ = now; }
    void wakes(Time now) noexcept;

    // How long it worked without looking for events, which is what an event may have to wait.
    void worked(Time since, Time until) noexcept { lag_.note(until, until - since); }
    [[nodiscard]] Time::duration lag(Time now) const noexcept { return lag_.value(now); }

    // A channel comes to the thread; any thread.
    void expect_channel() noexcept { unmeasured_.fetch_add(1, std::memory_order_relaxed); }
    // The measured share and what channels that came since are assumed to add; any thread.
    [[nodiscard]] double expected_share(Time now) const noexcept;
    // The measured share alone.
    [[nodiscard]] double share(Time now) const noexcept;

  private:
    Time started_; // of the current measurement
    Time wait_started_;
    Time::duration waited_{};

    metrics::RecentMaximum lag_;
    std::atomic<double> share_{0};
    std::atomic<Time::duration> published_at_;
    std::atomic<unsigned> unmeasured_{0};
};

} // namespace pgmoat::relay
