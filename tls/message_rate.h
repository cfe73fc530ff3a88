// Whether a peer sends more of some kind of message than a second may bring. Once exceeded it stays
// so: its session ends. Seconds begin with the first message after the last one's end.
#pragma once

#include <chrono>

namespace pgmoat::tls {

class MessageRate {
  public:
    using Time = std::chrono::steady_clock::time_point;

    explicit constexpr MessageRate(unsigned per_second) noexcept : per_second_(per_second) {}

    void count(Time now) noexcept {
        if (now - second_begins_ >= std::chrono::seconds(1)) {
            second_begins_ = now;
            in_this_second_ = 0;
        }
        if (++in_this_second_ > per_second_) exceeded_ = true;
    }

    [[nodiscard]] bool exceeded() const noexcept { return exceeded_; }

  private:
    unsigned per_second_;
    unsigned in_this_second_ = 0;
    bool exceeded_ = false;
    Time second_begins_{};
};

} // namespace pgmoat::tls
