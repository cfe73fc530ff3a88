// In which format to report that a configuration file cannot be loaded.
#pragma once

#include "proxy/config/config.h"

#include <string>

namespace pgmoat::config {

// The file's log_format, if at least that can be read; otherwise text.
[[nodiscard]] LogFormat log_format_of(const std::string& file);

} // namespace pgmoat::config
