// Compares the methods of all access rules that lead to an upstream with what its server asks for
// (hba/method_promise.h).
#pragma once

#include "protocol/server_method.h"
#include "proxy/runtime/runtime_config.h"

#include <string>
#include <vector>

namespace pgmoat::runtime {

// A warning that names the rules which send clients to this upstream and require more than `asked`;
// empty: there are none. The server's own rules may ask other users for more.
[[nodiscard]] std::vector<std::string> unkept_promises(const RuntimeConfig& setup,
                                                       const std::string& upstream,
                                                       protocol::ServerMethod asked);

// Whether a rule that sends clients to this upstream requires the server to authenticate them.
[[nodiscard]] bool has_promises(const RuntimeConfig& setup, const std::string& upstream);

} // namespace pgmoat::runtime
