// When the source of one direction wakes the thread: for every byte, or late: for much at a time or
// after a short while. A server writes 8 KiB at a time, so that most of what bulk costs is waking up.
//
//   at_once --limits::late_after_bytes in a row, no look brought little--> late
//   late    --the look of a tick brings less than limits::late_ends_below--> at_once
//   any     --the other direction moves: a new request, or its answer, may be small--> at_once
//
// What ends a result may wait for a tick, so it must have been long already. No socket, no clock.
#pragma once

#include "proxy/relay/limits.h"

#include <cstddef>
#include <utility>

namespace pgmoat::relay {

class WakePace {
  public:
    [[nodiscard]] bool late() const noexcept { return late_; }

    // The next look at the source is a tick's: its mark was not reached.
    void tick() noexcept { ticked_ = true; }
    // The source was looked at, and brought so many bytes.
    void looked(std::size_t bytes) noexcept {
        if (std::exchange(ticked_, false) && bytes < limits::late_ends_below) return hurry();
        if (late_ || bytes == 0) return;
        bytes_ = bytes < limits::bulk_leaves_below ? 0 : bytes_ + bytes;
        late_ = bytes_ >= limits::late_after_bytes;
    }
    // From the start.
    void hurry() noexcept { *this = {}; }

  private:
    std::size_t bytes_ = 0; // in a row
    bool late_ = false;
    bool ticked_ = false;
};

} // namespace pgmoat::relay
