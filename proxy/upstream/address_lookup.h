// Waits in a coroutine for the addresses of a server name, without blocking the thread.
#pragma once

#include "proxy/lookups/addresses.h"
#include "proxy/runtime/arrival.h"
#include "proxy/runtime/services.h"

#include <optional>
#include <string>

namespace pgmoat::upstream {

// An expired answer is used if the name server does not answer for a while. Nothing: `until` has
// passed, or `arrival` was interrupted. The arguments must live until it is done.
[[nodiscard]] Awaitable<std::optional<lookups::HostAddresses>>
look_up_addresses(runtime::ControlThread& thread,
                  runtime::Arrival& arrival,
                  const std::string& name,
                  runtime::Arrival::Clock::time_point until);

} // namespace pgmoat::upstream
