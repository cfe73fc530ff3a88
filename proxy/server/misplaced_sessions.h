// Sessions of upstreams that require a primary, on hosts that are no longer the primary. No IO.
#pragma once

#include "proxy/runtime/host_roles.h"
#include "proxy/runtime/runtime_config.h"
#include "proxy/telemetry/session_table.h"

#include <cstdint>
#include <vector>

namespace pgmoat::server {

// Hosts that are not in `setup` are ignored, so a reload that removes a host ends no session.
[[nodiscard]] std::vector<std::uint64_t> misplaced_sessions(const telemetry::SeenSessions& sessions,
                                                            const runtime::RuntimeConfig& setup,
                                                            const runtime::HostRoles& roles);

} // namespace pgmoat::server
