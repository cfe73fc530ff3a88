// `pgmoat check --probe`: the probes of a start without a server around them.
#pragma once

#include "proxy/runtime/runtime_config.h"
#include "proxy/telemetry/log.h"

#include <memory>

namespace pgmoat::server {

// Probes each upstream that a start would probe, and logs the same. Returns when all have answered
// or the time is up.
void probe_once(std::shared_ptr<const runtime::RuntimeConfig> setup, telemetry::Log& log);

} // namespace pgmoat::server
