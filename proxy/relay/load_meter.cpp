#include "proxy/relay/load_meter.h"

#include "proxy/relay/limits.h"

namespace pgmoat::relay {

void LoadMeter::wakes(Time now) noexcept {
    if (wait_started_ != Time{}) waited_ += now - wait_started_;
    wait_started_ = {};
    const auto elapsed = now - started_;
    if (elapsed < limits::measured_over) return;

    using Seconds = std::chrono::duration<double>;
    share_.store(1.0 - Seconds(waited_) / Seconds(elapsed), std::memory_order_relaxed);
    published_at_.store(now.time_since_epoch(), std::memory_order_relaxed);
    unmeasured_.store(0, std::memory_order_relaxed);
    started_ = now;
    waited_ = {};
}

double LoadMeter::share(Time now) const noexcept {
    // A thread with work publishes every second. One that did not is asleep.
    const Time published(published_at_.load(std::memory_order_relaxed));
    const bool asleep = now - published > 2 * limits::measured_over;
    return asleep ? 0.0 : share_.load(std::memory_order_relaxed);
}

double LoadMeter::expected_share(Time now) const noexcept {
    return share(now) + limits::unmeasured_share * unmeasured_.load(std::memory_order_relaxed);
}

} // namespace pgmoat::relay
