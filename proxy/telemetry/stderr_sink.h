// Writes log lines to stderr, which may be a pipe without a reader: a write would block for ever,
// and so would the end of the process. So each write waits for room first, and after end_by() only
// until that time. Lines that cannot be written (no reader, a full disk) are counted.
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

    // For any thread. Lines that cannot be written by then are lost.
    void end_by(Clock::time_point time) noexcept { end_.store(time.time_since_epoch().count()); }
    [[nodiscard]] std::uint64_t lost() const noexcept { return lost_.load(); }

  protected:
    void sink_it_(const spdlog::details::log_msg& message) override;
    void flush_() override {}

  private:
    [[nodiscard]] bool wait_for_room() const;
    [[nodiscard]] bool write(std::string_view line);

    int descriptor_;
    bool torn_ = false; // the last line was cut off: the next one must begin on a new line
    std::atomic<Clock::rep> end_{Clock::time_point::max().time_since_epoch().count()};
    std::atomic<std::uint64_t> lost_{0};
};

} // namespace pgmoat::telemetry
