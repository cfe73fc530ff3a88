// A token bucket in one number: the moment at which it will be full again (GCRA, "virtual
// scheduling"; ITU-T I.371). So an address costs eight bytes for each rate that it is held to.
// Pure: the caller says what time it is.
#pragma once

#include "proxy/config/address_limits.h"

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace pgmoat::access {

using Clock = std::chrono::steady_clock;

using config::Rate;

class TokenBucket {
  public:
    // Takes a token if there is one.
    [[nodiscard]] bool take(const Rate& rate, Clock::time_point now) noexcept {
        if (!rate.limits()) return true;
        if (is_empty(rate, now)) return false;
        full_at_ = std::max(full_at_, now) + rate.interval();
        return true;
    }

    // Counts an event that nothing can refuse any more. What is beyond twice the burst is
    // forgotten, so that a long flood is not held against an address for ever.
    void add(const Rate& rate, Clock::time_point now) noexcept {
        if (!rate.limits()) return;
        full_at_ = std::min(std::max(full_at_, now) + rate.interval(),
                            now + 2 * rate.burst * rate.interval());
    }

    // `burst` events or more have been counted that time has not paid for yet. The last of them
    // counts for a whole interval.
    [[nodiscard]] bool is_exceeded(const Rate& rate, Clock::time_point now) const noexcept {
        return rate.limits() && level(rate, now) > rate.interval() * (rate.burst - 1);
    }

    // No token is left.
    [[nodiscard]] bool is_empty(const Rate& rate, Clock::time_point now) const noexcept {
        return rate.limits() && level(rate, now) + rate.interval() > rate.interval() * rate.burst;
    }

    // Events that time has not paid for yet; one that it has paid for in part counts.
    [[nodiscard]] std::uint32_t used(const Rate& rate, Clock::time_point now) const noexcept {
        if (!rate.limits()) return 0;
        const auto interval = rate.interval();
        return static_cast<std::uint32_t>((level(rate, now) + interval - Clock::duration{1}) /
                                          interval);
    }

    [[nodiscard]] bool is_full(Clock::time_point now) const noexcept { return full_at_ <= now; }

  private:
    [[nodiscard]] std::chrono::nanoseconds level(const Rate& rate,
                                                 Clock::time_point now) const noexcept {
        // A rate that a reload has made shorter is not held to what the longer one had counted.
        return std::clamp(std::chrono::nanoseconds{full_at_ - now},
                          std::chrono::nanoseconds{0},
                          2 * rate.burst * rate.interval());
    }

    Clock::time_point full_at_{}; // the epoch: long full
};

} // namespace pgmoat::access
