#include "proxy/telemetry/connection_log.h"

#include "proxy/telemetry/connection_fields.h"
#include "proxy/telemetry/session_table.h"

#include <chrono>

namespace pgmoat::telemetry {

namespace {

using metrics::CloseReason;
using Level = Log::Level;

// Warnings and errors are for what an operator must see: attacks, our own failures and those of
// servers. What clients do by themselves is routine, and a probe that sends nothing is logged only
// at debug level.
Level level_of(const relay::Ended& ended, bool log_every_end) {
    switch (ended.reason) {
    case CloseReason::internal: return Level::error;
    case CloseReason::upstream_failed:
    case CloseReason::too_many_connections:
    case CloseReason::denied: return Level::warning;
    case CloseReason::startup:
        if (ended.detail.empty()) return Level::debug;
        return Level::log;
    case CloseReason::proxy_header:
    case CloseReason::handshake: return Level::log;
    default: return log_every_end ? Level::log : Level::debug;
    }
}

} // namespace

void ConnectionLog::report(std::unique_ptr<Traffic> traffic, const relay::Ended& ended) {
    const auto& row = static_cast<const SessionRow&>(*traffic);
    const SharedFacts& facts = row.facts();
    metrics::Block& counters = counters_.block_of_this_thread();
    counters.connection_closed(facts.listener_id, facts.mode, ended.reason);
    counters.connection_lasted(facts.listener_id, std::chrono::steady_clock::now() - row.opened());

    const bool refused = is_refusal(ended.reason, !ended.detail.empty());
    if (refused)
        recent_.add({std::chrono::system_clock::now(),
                     row.id(),
                     ended.reason,
                     ended.detail,
                     row.all_facts()});
    write_line(row, ended, refused);
}

// When there are many refusals, most of them are logged only at debug level, and a summary replaces
// them.
void ConnectionLog::write_line(const SessionRow& row, const relay::Ended& ended, bool refused) {
    Level level = level_of(ended, log_every_end_.load(std::memory_order_relaxed));
    if (refused && level != Level::debug && log_.shows(level) &&
        !gate_.admit(ended.reason, std::chrono::steady_clock::now()))
        level = Level::debug;
    if (ended.reason == CloseReason::rate_limited) {
        gate_.hold(ended.reason);
        level = Level::debug;
    }
    if (!log_.shows(level)) return;
    Fields fields = describe(row.all_facts(), state_of(row));
    fields.add("reason", metrics::to_word(ended.reason));
    if (!ended.detail.empty()) fields.add("detail", ended.detail);
    log_.write(level, "connection closed", fields);
}

void ConnectionLog::summarise_refusals() {
    for (const auto& [reason, count] : gate_.take_held()) {
        Fields fields;
        fields.add("reason", metrics::to_word(reason)).add("count", count);
        log_.write(Level::warning, "refused connections suppressed in the log", fields);
    }
}

} // namespace pgmoat::telemetry
