// Connections that were refused or failed: the last few of them for the status page, and the rate
// limits that keep them, or other lines, from filling the log. Any thread.
#pragma once

#include "metrics/labels.h"
#include "proxy/telemetry/session_facts.h"

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <string>
#include <vector>

namespace pgmoat::telemetry {

// Ends that an operator may ask about: not what clients do by themselves, and not probes.
[[nodiscard]] bool is_refusal(metrics::CloseReason reason, bool has_detail) noexcept;

struct Refusal {
    std::chrono::system_clock::time_point when;
    std::uint64_t id = 0;
    metrics::CloseReason reason{};
    std::string detail;
    SessionFacts facts; // as far as known
};

class RecentRefusals {
  public:
    void add(Refusal refusal);
    [[nodiscard]] std::vector<Refusal> newest_first() const;

  private:
    mutable std::mutex mutex_;
    std::deque<Refusal> refusals_; // newest first
};

// Lets a limited number of lines per second through and counts the others.
class LineGate {
  public:
    using Clock = std::chrono::steady_clock;

    // Whether this line may be written.
    [[nodiscard]] bool admit(Clock::time_point now);
    // Counts a line that is suppressed in any case.
    void hold();
    // How many lines were suppressed since the last call.
    [[nodiscard]] std::uint64_t take_held();

  private:
    std::mutex mutex_;
    double lines_ = 0; // lines that may be written now
    Clock::time_point filled_;
    std::uint64_t held_ = 0;
    bool used_ = false;
};

// One gate for each reason, so that many refusals for one reason do not hide others.
class RefusalGate {
  public:
    using Clock = LineGate::Clock;

    // Whether this refusal may have a line of its own.
    [[nodiscard]] bool admit(metrics::CloseReason reason, Clock::time_point now) {
        return gates_[static_cast<std::size_t>(reason)].admit(now);
    }

    // Counts a refusal that never gets a line of its own.
    void hold(metrics::CloseReason reason) { gates_[static_cast<std::size_t>(reason)].hold(); }

    struct Held {
        metrics::CloseReason reason;
        std::uint64_t count;
    };
    // What was suppressed since the last call.
    [[nodiscard]] std::vector<Held> take_held();

  private:
    std::array<LineGate, metrics::close_reason_count> gates_;
};

} // namespace pgmoat::telemetry
