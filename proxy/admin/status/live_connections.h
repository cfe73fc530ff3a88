// The newest live connections of a snapshot, for the pages. Pure.
#pragma once

#include "proxy/telemetry/connection_fields.h"
#include "proxy/telemetry/session_table.h"

#include <cstddef>
#include <vector>

namespace pgmoat::admin {

struct LiveConnection {
    telemetry::SessionFacts facts;
    telemetry::ConnectionState state;
};

struct LiveConnections {
    std::size_t live = 0;               // all of them
    std::vector<LiveConnection> newest; // the newest in front
};

[[nodiscard]] LiveConnections newest_of(telemetry::SeenSessions sessions, std::size_t count_max);

} // namespace pgmoat::admin
