// The measured part of a run: warm-up, then a window whose length and CPU use are known exactly.
// The CPU time is utime + stime of whole processes (all threads) from /proc/PID/stat, read by the
// generator itself at the edges of the window, so no other process has to wake up in time.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <vector>

namespace pgmoat::bench {

class Window {
  public:
    using Clock = std::chrono::steady_clock;
    enum class Phase { warming_up, measuring, over };

    Window(double warm_up_seconds, double seconds, std::vector<pid_t> watched);

    // Called after every batch of events; takes the readings when a phase ends.
    [[nodiscard]] Phase update(Clock::time_point now);
    // True once, right after the warm-up: the time to reset counts.
    [[nodiscard]] bool has_just_begun() noexcept;

    [[nodiscard]] double seconds() const;
    [[nodiscard]] double cpu_seconds() const noexcept { return cpu_at_end_ - cpu_at_begin_; }

  private:
    [[nodiscard]] double read_cpu() const;

    std::vector<pid_t> watched_;
    Phase phase_ = Phase::warming_up;
    bool just_begun_ = false;
    Clock::duration length_;
    Clock::time_point begin_;
    Clock::time_point end_;
    double cpu_at_begin_ = 0;
    double cpu_at_end_ = 0;
};

} // namespace pgmoat::bench
