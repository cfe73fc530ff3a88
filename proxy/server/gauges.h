// Collects the state for a scrape: live connections from the session table, threads from the
// planes, certificates as read when the configuration was loaded.
#pragma once

#include "metrics/exporter.h"
#include "proxy/relay/plane.h"
#include "proxy/runtime/runtime_config.h"
#include "proxy/runtime/services.h"
#include "proxy/server/certificate_gauges.h"
#include "proxy/telemetry/session_table.h"

#include <memory>
#include <vector>

namespace pgmoat::server {

// What only the server knows.
struct ServerState {
    bool draining = false;
    bool last_reload_successful = true;
    std::int64_t last_reload_success_time = 0; // Unix seconds
    CertificateStates certificates;
};

struct GaugeSources {
    const telemetry::SeenSessions& sessions;
    const runtime::RuntimeConfig& setup;
    const relay::Plane& plane;
    const std::vector<std::unique_ptr<runtime::ControlThread>>& threads;
    const ServerState& state;
};

[[nodiscard]] metrics::Gauges read_gauges(const GaugeSources& sources);

} // namespace pgmoat::server
