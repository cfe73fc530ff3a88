// What is so at the moment of a scrape: live connections from the session table, certificates from
// the setup.
#pragma once

#include "metrics/exporter.h"
#include "proxy/control/setup.h"
#include "proxy/session_table.h"

namespace pgmoat {

// What the server alone knows.
struct ServerState {
    bool draining = false;
    bool last_reload_successful = true;
    std::int64_t last_reload_success_time = 0; // Unix seconds
};

[[nodiscard]] metrics::Gauges
read_gauges(const SessionTable& table, const control::Setup& setup, const ServerState& state);

} // namespace pgmoat
