// Limits how many messages of some kind a peer may send in a second. Once the limit is exceeded,
// exceeded() stays true and the session ends. A second begins with the first message after the
// previous second has ended.
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
