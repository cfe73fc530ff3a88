// Everything that the status page shows, as one value: the server fills it in, status_json and
// status_page write it. Texts in it may be a client's.
#pragma once

#include "metrics/counters.h"
#include "metrics/exporter.h"
#include "proxy/admin/status/history.h"
#include "proxy/admin/status/live_connections.h"
#include "proxy/admin/status/shares.h"
#include "proxy/telemetry/limit_states.h"
#include "proxy/telemetry/refusal_log.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace pgmoat::admin {

// One access rule and what came of it; with line 0, the end of its file.
struct RuleState {
    std::string file;
    int line = 0;
    std::string text;
    std::uint64_t hits = 0;
    std::uint64_t refused = 0;
    std::int64_t last_hit = 0; // Unix seconds; 0: never
};

struct Status {
    std::int64_t now = 0;     // Unix seconds
    std::int64_t started = 0; // the same
    bool ready = false;
    std::size_t live = 0;
    metrics::Gauges gauges;
    metrics::Totals totals;
    Shares shares;
    std::vector<RuleState> rules;
    telemetry::LimitStates limits;
    std::vector<telemetry::Refusal> refusals; // the newest first
    std::vector<Sample> history;              // the oldest first
    LiveConnections connections;              // the newest only
};

} // namespace pgmoat::admin
