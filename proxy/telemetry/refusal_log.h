// Connections that were refused or failed: the last few of them for the status page, and the gate
// that keeps a storm of them, or of other lines, from filling the log. Any thread.
#pragma once

#include "metrics/labels.h"
#include "proxy/telemetry/session_table.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace pgmoat::telemetry {

// Ends that an operator may ask about: not what clients do by themselves, and no probe.
[[nodiscard]] bool is_refusal(metrics::CloseReason reason, bool has_detail) noexcept;

struct Refusal {
    std::chrono::system_clock::time_point when;
    std::uint64_t id = 0;
    metrics::CloseReason reason{};
    std::string detail;
    SessionFacts facts; // as far as they were known
};

class RecentRefusals {
  public:
    void add(Refusal refusal);
    [[nodiscard]] std::vector<Refusal> newest_first() const;

  private:
    mutable std::mutex mutex_;
    std::deque<Refusal> refusals_; // the newest in front
};

// Lets so many lines a second through and counts the others.
class LineGate {
  public:
    using Clock = std::chrono::steady_clock;

    // Whether this line may be written.
    [[nodiscard]] bool admit(Clock::time_point now);
    // Counts one that is held back whatever the time.
    void hold();
    // How many were held back since this was asked last.
    [[nodiscard]] std::uint64_t take_held();

  private:
    std::mutex mutex_;
    double lines_ = 0; // that may be written now
    Clock::time_point filled_;
    std::uint64_t held_ = 0;
    bool used_ = false;
};

// One for each reason, so that a storm of one hides no other.
class RefusalGate {
  public:
    using Clock = LineGate::Clock;

    // Whether this refusal may have a line of its own.
    [[nodiscard]] bool admit(metrics::CloseReason reason, Clock::time_point now) {
        return gates_[static_cast<std::size_t>(reason)].admit(now);
    }

    // A refusal that never has a line of its own.
    void hold(metrics::CloseReason reason) { gates_[static_cast<std::size_t>(reason)].hold(); }

    struct Held {
        metrics::CloseReason reason;
        std::uint64_t count;
    };
    // What was held back since this was asked last.
    [[nodiscard]] std::vector<Held> take_held();

  private:
    std::array<LineGate, metrics::close_reason_count> gates_;
};

} // namespace pgmoat::telemetry
