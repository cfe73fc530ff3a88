// Ends connections from outside, in whichever plane they are: one for the console, and all that the
// rules refuse after a reload. They are reported as always, with reason `killed`.
#pragma once

#include "proxy/runtime/services.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace pgmoat::access {

// `id` is its SessionRow's; `detail` stands in the log. False: there is no such session. Any
// thread; returns before it is done. `threads` must live until their contexts stop.
bool kill(std::span<const std::unique_ptr<runtime::ControlThread>> threads,
          std::uint64_t id,
          const std::string& detail);

// The same for many, ended for another reason.
void end_all(std::span<const std::unique_ptr<runtime::ControlThread>> threads,
             std::vector<std::uint64_t> ids,
             const relay::Ended& ended);

// The same for many, in one pass over each thread's sessions. `ids` need not be live any more.
void kill_all(std::span<const std::unique_ptr<runtime::ControlThread>> threads,
              std::vector<std::uint64_t> ids,
              const std::string& detail);

} // namespace pgmoat::access
