// The access rules of each listener: read with the setup, whole or not at all, and asked once for
// each connection. What the rules need to know beyond the connection's own facts (names, roles,
// interfaces) is fetched here, so that the story in session.cpp only sees a decision.
#pragma once

#include "proxy/config/config.h"
#include "proxy/hba/parse/hba_file.h"
#include "proxy/hba/rule.h"
#include "proxy/runtime/runtime_config.h"

#include <memory>
#include <string>
#include <vector>

namespace pgmoat::access {

// One per listener, in their order; listeners that name the same file share its rules. Rules that
// `old` had go on with its counts. Throws config::ConfigError with a line per error.
[[nodiscard]] std::vector<runtime::Access> load_access(const config::Config& config,
                                                       const std::vector<runtime::Access>& old);

// What the files of a listener with this mode are read for.
[[nodiscard]] hba::HbaContext hba_context(const config::Config& config, config::TlsMode mode);

// The live rules, or those of the dry run, of all listeners, each set once.
using RulesOfAccess = std::shared_ptr<const hba::Rules> runtime::Access::*;
[[nodiscard]] std::vector<std::shared_ptr<const hba::Rules>>
distinct_rules(const std::vector<runtime::Access>& access, RulesOfAccess which);

// What a loaded file is suspected of, such as a record that cannot match; a line each.
[[nodiscard]] std::vector<std::string> access_warnings(const std::vector<runtime::Access>& access);

} // namespace pgmoat::access
