// What a reload may change and what it may not: the settings whose row says `restart`.
#pragma once

#include "proxy/config/config.h"

#include <string>
#include <vector>

namespace pgmoat::config {

// The settings that differ and need a restart, for PostgreSQL's line in the log:
// `parameter "%s" cannot be changed without restarting the server`.
[[nodiscard]] std::vector<std::string> restart_only_changes(const Config& old, const Config& now);

// Puts the old values of those settings into `now`, so that it says what is in force. Throws
// ConfigError if that does not fit the rest: an old listener whose upstream is gone.
void keep_restart_only(const Config& old, Config& now);

} // namespace pgmoat::config
