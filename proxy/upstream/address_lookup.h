// A server's addresses by its name: the coroutine waits for the lookups, its thread does not.
#pragma once

#include "proxy/lookups/addresses.h"
#include "proxy/runtime/arrival.h"
#include "proxy/runtime/services.h"

#include <optional>
#include <string>

namespace pgmoat::upstream {

// An older answer is used when the name server is silent for a while. Nothing: `until` has passed,
// or `arrival` was interrupted. The arguments must live until it is done.
[[nodiscard]] Awaitable<std::optional<lookups::HostAddresses>>
look_up_addresses(runtime::ControlThread& thread,
                  runtime::Arrival& arrival,
                  const std::string& name,
                  runtime::Arrival::Clock::time_point until);

} // namespace pgmoat::upstream
