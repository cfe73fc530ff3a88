// Ends one connection from outside, in whichever plane it is: for the console, and for rules that
// after a reload let it in no more. It is reported as always, with reason `killed`.
#pragma once

#include "proxy/runtime/services.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace pgmoat::access {

// `id` is its SessionRow's; `detail` stands in the log. False: there is no such session. Any
// thread; returns before it is done. `threads` must live until their contexts stop.
bool kill(std::span<const std::unique_ptr<runtime::ControlThread>> threads,
          std::uint64_t id,
          const std::string& detail);

} // namespace pgmoat::access
