// The methods of the access rules, held against what a server asks for: hba/method_promise.h, for all
// rules that lead to one upstream.
#pragma once

#include "protocol/server_method.h"
#include "proxy/runtime/runtime_config.h"

#include <string>
#include <vector>

namespace pgmoat::runtime {

// Rules that send clients to this upstream and require more than `asked`; empty: none. The server
// may ask others for more: its own rules can name them.
[[nodiscard]] std::vector<std::string> unkept_promises(const RuntimeConfig& setup,
                                                       const std::string& upstream,
                                                       protocol::ServerMethod asked);

// A rule that sends clients to this upstream requires some proof of the server's asking.
[[nodiscard]] bool has_promises(const RuntimeConfig& setup, const std::string& upstream);

} // namespace pgmoat::runtime
