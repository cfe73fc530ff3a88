// Loads the access rules of each listener with the configuration, all or none. evaluate.h applies
// them.
#pragma once

#include "proxy/config/config.h"
#include "proxy/hba/parse/hba_file.h"
#include "proxy/hba/rule.h"
#include "proxy/runtime/runtime_config.h"

#include <memory>
#include <string>
#include <vector>

namespace pgmoat::access {

// One entry per listener, in their order; listeners with the same file share its rules. Rules that
// were in `old` keep their counts. Throws config::ConfigError with a line per error.
[[nodiscard]] std::vector<runtime::Access> load_access(const config::Config& config,
                                                       const std::vector<runtime::Access>& old);

// The conditions under which a listener with this mode uses its rules.
[[nodiscard]] hba::HbaContext hba_context(const config::Config& config, config::TlsMode mode);

// All sets of live rules, or of the dry run, each once.
using RulesOfAccess = std::shared_ptr<const hba::Rules> runtime::Access::*;
[[nodiscard]] std::vector<std::shared_ptr<const hba::Rules>>
distinct_rules(const std::vector<runtime::Access>& access, RulesOfAccess which);

// Warnings about a loaded file, such as a record that can never match; a line each.
[[nodiscard]] std::vector<std::string> access_warnings(const std::vector<runtime::Access>& access);

} // namespace pgmoat::access
