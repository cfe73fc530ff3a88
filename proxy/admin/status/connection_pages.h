// Live connections one by one: as JSON with everything that is known of them, and as series for
// Prometheus. Pure.
#pragma once

#include "proxy/admin/status/live_connections.h"

#include <string>

namespace pgmoat::admin {

[[nodiscard]] std::string connections_json(const LiveConnections& connections);

// Prometheus' text format. Here alone client text stands in labels: cleaned, and of no more
// connections than the configuration allows.
[[nodiscard]] std::string connection_metrics(const LiveConnections& connections);

} // namespace pgmoat::admin
