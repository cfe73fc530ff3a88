// A token bucket as one number: the time at which it will be full again (GCRA, "virtual
// scheduling"; ITU-T I.371). So an address needs eight bytes for each rate. Pure: the caller passes
// the time.
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
    // Takes a token if one is left.
    [[nodiscard]] bool take(const Rate& rate, Clock::time_point now) noexcept {
        if (!rate.limits()) return true;
        if (is_empty(rate, now)) return false;
        full_at_ = std::max(full_at_, now) + rate.interval();
        return true;
    }

    // Counts an event that has already happened. At most twice the burst is remembered, so that an
    // address recovers from a long flood.
    void add(const Rate& rate, Clock::time_point now) noexcept {
        if (!rate.limits()) return;
        full_at_ = std::min(std::max(full_at_, now) + rate.interval(),
                            now + 2 * rate.burst * rate.interval());
    }

    // Whether `burst` or more tokens are in use. The last event counts for a whole interval.
    [[nodiscard]] bool is_exceeded(const Rate& rate, Clock::time_point now) const noexcept {
        return rate.limits() && level(rate, now) > rate.interval() * (rate.burst - 1);
    }

    // No token is left.
    [[nodiscard]] bool is_empty(const Rate& rate, Clock::time_point now) const noexcept {
        return rate.limits() && level(rate, now) + rate.interval() > rate.interval() * rate.burst;
    }

    // Tokens in use; one that is partly replenished counts.
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
        // If a reload has shortened the rate, limit the count to what the new rate can hold.
        return std::clamp(std::chrono::nanoseconds{full_at_ - now},
                          std::chrono::nanoseconds{0},
                          2 * rate.burst * rate.interval());
    }

    Clock::time_point full_at_{}; // initially the epoch, so it is full
};

} // namespace pgmoat::access
