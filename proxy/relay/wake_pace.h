// When the source of one direction wakes the thread: for every byte, or late: for much at a time or
// after a short while. A server writes 8 KiB at a time, so that most of what bulk costs is waking up.
//
//   at_once --limits::late_after_bytes in a row, no look brought little--> late
//   late    --the look of a tick brings less than limits::late_ends_below--> paused
//   paused  --limits::late_again_after_bytes in a row--> late
//   paused  --a look brings little--> at_once
//   any     --the other direction moves: a new request, or its answer, may be small--> at_once
//
// Paused, every byte wakes it too. A server that lost its core or waited for its disk for a moment is
// the same stream as before; were it to begin from the start, a short pause every 8 MiB would cost all that late
// saves. What ends a result may wait for a tick, so it must have been long already. No socket, no clock.
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
        if (std::exchange(ticked_, false) && bytes < limits::late_ends_below) return pause();
        if (late_ || bytes == 0) return;
        bytes_ = bytes < limits::bulk_leaves_below ? 0 : bytes_ + bytes;
        late_ = bytes_ >= limits::late_after_bytes;
    }
    // From the start.
    void hurry() noexcept { *this = {}; }

  private:
    void pause() noexcept {
        late_ = false;
        bytes_ = limits::late_after_bytes - limits::late_again_after_bytes;
    }

    std::size_t bytes_ = 0; // in a row, or what a pause left of them
    bool late_ = false;
    bool ticked_ = false;
};

} // namespace pgmoat::relay
