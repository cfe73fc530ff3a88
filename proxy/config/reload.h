// What a reload may change and what it may not: the settings whose row says `restart`.
#pragma once

#include "proxy/config/config.h"

#include <string>
#include <vector>

namespace pgmoat::config {

// The settings that differ and need a restart, for PostgreSQL's log line: `parameter "%s" cannot be
// changed without restarting the server`.
[[nodiscard]] std::vector<std::string> restart_only_changes(const Config& old, const Config& now);

// Copies the old values of those settings into `now`, so that it is what is really in use. Throws
// ConfigError if they do not fit the rest: an old listener whose upstream has been removed.
void keep_restart_only(const Config& old, Config& now);

} // namespace pgmoat::config
