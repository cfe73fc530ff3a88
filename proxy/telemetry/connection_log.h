// The last step of every connection, in whichever plane it ended: one log line, its counters, and
// the removal of its row from the session table (law 10).
#pragma once

#include "metrics/counters.h"
#include "proxy/relay/channel.h"
#include "proxy/telemetry/log.h"
#include "proxy/telemetry/refusal_log.h"
#include "proxy/telemetry/session_table.h"

#include <atomic>
#include <memory>

namespace pgmoat::telemetry {

class ConnectionLog final : public relay::Reporter {
  public:
    ConnectionLog(Log& log, metrics::Counters& counters) : log_(log), counters_(counters) {}

    // log_disconnections; changes with a reload. Failed connections are always logged.
    void log_every_end(bool on) noexcept { log_every_end_.store(on, std::memory_order_relaxed); }

    // Any thread. `row` is the session's SessionRow.
    void report(std::unique_ptr<Traffic> row, const relay::Ended& ended) override;

    // Logs how many refusals had no line of their own since the last call.
    void summarise_refusals();
    [[nodiscard]] const RecentRefusals& recent_refusals() const noexcept { return recent_; }

  private:
    void write_line(const SessionRow& row, const relay::Ended& ended, bool refused);

    Log& log_;
    metrics::Counters& counters_;
    RecentRefusals recent_;
    RefusalGate gate_;
    std::atomic<bool> log_every_end_{true};
};

} // namespace pgmoat::telemetry
