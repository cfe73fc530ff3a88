// Ends connections on request, in whichever plane they are: for KILL in the console, and for those
// that the access rules refuse after a reload. They are reported like all others, with the reason
// given.
#pragma once

#include "proxy/runtime/services.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace pgmoat::access {

// `id` is that of its SessionRow; `detail` is logged. False: there is no such session. Any thread;
// returns before the session has ended. `threads` must live until their contexts stop.
bool kill(std::span<const std::unique_ptr<runtime::ControlThread>> threads,
          std::uint64_t id,
          const std::string& detail);

// The same for many, with another reason.
void end_all(std::span<const std::unique_ptr<runtime::ControlThread>> threads,
             std::vector<std::uint64_t> ids,
             const relay::Ended& ended);

// The same for many, in one pass over each thread's sessions. Some of `ids` may have ended already.
void kill_all(std::span<const std::unique_ptr<runtime::ControlThread>> threads,
              std::vector<std::uint64_t> ids,
              const std::string& detail);

} // namespace pgmoat::access
