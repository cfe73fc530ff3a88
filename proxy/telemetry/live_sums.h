// Live connections added up for a scrape: by listener, and by TLS version and cipher. Pure.
#pragma once

#include "metrics/exporter.h"
#include "proxy/telemetry/session_table.h"

#include <string>
#include <vector>

namespace pgmoat::telemetry {

// `listeners`: all listeners, so that those without connections get zeros.
void add_live(const SeenSessions& sessions,
              const std::vector<std::string>& listeners,
              metrics::Gauges& gauges);

} // namespace pgmoat::telemetry
