// For `pgmoat check`: runs auth_query on each upstream that bridges logins, and compares the
// secrets in auth_file with the servers'.
#pragma once

#include "proxy/cli/check.h"
#include "proxy/runtime/runtime_config.h"

#include <vector>

namespace pgmoat::cli {

// Blocks, within the bounds of proxy/lookups/limits.h for each upstream.
[[nodiscard]] std::vector<Finding> check_secrets(const runtime::RuntimeConfig& setup);

} // namespace pgmoat::cli
