// How to say what is wrong with a configuration file that cannot be loaded.
#pragma once

#include "proxy/config/config.h"

#include <string>

namespace pgmoat::config {

// The file's log_format, where that much of it can be read; else text.
[[nodiscard]] LogFormat log_format_of(const std::string& file);

} // namespace pgmoat::config
