// Lines to stderr, which may be a pipe that nobody reads: a write to it would block for ever, and
// with it the end of the process. So each waits for room first, and once the log is to end, only
// for a moment longer. Lines that cannot be written (no reader, a full disk) are counted.
#pragma once

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <string_view>

namespace pgmoat::telemetry {

class StderrSink final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
  public:
    using Clock = std::chrono::steady_clock;

    explicit StderrSink(int descriptor = 2) : descriptor_(descriptor) {}

    // Any thread. From now on what cannot be written until then is lost.
    void end_by(Clock::time_point time) noexcept { end_.store(time.time_since_epoch().count()); }
    [[nodiscard]] std::uint64_t lost() const noexcept { return lost_.load(); }

  protected:
    void sink_it_(const spdlog::details::log_msg& message) override;
    void flush_() override {}

  private:
    [[nodiscard]] bool wait_for_room() const;
    [[nodiscard]] bool write(std::string_view line);

    int descriptor_;
    bool torn_ = false; // a line was written in part: the next one begins on a line of its own
    std::atomic<Clock::rep> end_{Clock::time_point::max().time_since_epoch().count()};
    std::atomic<std::uint64_t> lost_{0};
};

} // namespace pgmoat::telemetry
