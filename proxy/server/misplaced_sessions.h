// Sessions of upstreams that ask for a primary, on hosts that are it no more. Without IO.
#pragma once

#include "proxy/runtime/host_roles.h"
#include "proxy/runtime/runtime_config.h"
#include "proxy/telemetry/session_table.h"

#include <cstdint>
#include <vector>

namespace pgmoat::server {

// A host that `setup` does not name any more is nobody's concern here: hence a reload ends nothing.
[[nodiscard]] std::vector<std::uint64_t> misplaced_sessions(const telemetry::SeenSessions& sessions,
                                                            const runtime::RuntimeConfig& setup,
                                                            const runtime::HostRoles& roles);

} // namespace pgmoat::server
