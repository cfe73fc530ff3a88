// The longest duration noted in the last 10 to 20 seconds, so that scraping every 10 seconds misses
// no peak, however many scrapers there are. One thread notes, any thread reads.
#pragma once

#include <atomic>
#include <chrono>

namespace pgmoat::metrics {

class RecentMaximum {
  public:
    using Clock = std::chrono::steady_clock;

    void note(Clock::time_point now, Clock::duration value) noexcept {
        if (now - begun_.load(std::memory_order_relaxed) >= window) turn_over(now);
        if (value > current_.load(std::memory_order_relaxed))
            current_.store(value, std::memory_order_relaxed);
    }

    [[nodiscard]] Clock::duration value(Clock::time_point now) const noexcept {
        const auto age = now - begun_.load(std::memory_order_relaxed);
        if (age >= 2 * window) return {}; // nothing was noted since
        const auto current = current_.load(std::memory_order_relaxed);
        const auto previous = previous_.load(std::memory_order_relaxed);
        return age < window && previous > current ? previous : current;
    }

  private:
    static constexpr std::chrono::seconds window{10};

    void turn_over(Clock::time_point now) noexcept {
        const auto age = now - begun_.load(std::memory_order_relaxed);
        const auto last = current_.load(std::memory_order_relaxed);
        previous_.store(age < 2 * window ? last : Clock::duration{}, std::memory_order_relaxed);
        current_.store({}, std::memory_order_relaxed);
        begun_.store(now, std::memory_order_relaxed);
    }

    std::atomic<Clock::time_point> begun_{};
    std::atomic<Clock::duration> current_{};
    std::atomic<Clock::duration> previous_{};
};

} // namespace pgmoat::metrics
