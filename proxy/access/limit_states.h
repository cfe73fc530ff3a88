// The limits on clients for the console, the status page and the metrics.
#pragma once

#include "metrics/counters.h"
#include "metrics/exporter.h"
#include "proxy/access/address_gate.h"
#include "proxy/config/config.h"
#include "proxy/telemetry/limit_states.h"

#include <cstddef>

namespace pgmoat::access {

// `live`: connections that count towards max_connections.
[[nodiscard]] telemetry::LimitStates limit_states(const AddressGate& gate,
                                                  const config::Config& config,
                                                  const metrics::Totals& totals,
                                                  std::size_t live);
[[nodiscard]] metrics::AddressTableFacts address_table_facts(const AddressGate& gate);

} // namespace pgmoat::access
