// The findings of `pgmoat check` about a configuration that loads: one line per check. Reads
// certificate files; opens no socket.
#pragma once

#include "proxy/config/config.h"

#include <cstdint>
#include <string>
#include <vector>

namespace pgmoat::cli {

struct Finding {
    enum class Level { ok, warning, error };
    Level level = Level::ok;
    std::string text;
};

// `now` is in Unix seconds. Throws tls::Error if a file was removed after it was loaded.
[[nodiscard]] std::vector<Finding> check_tls(const config::Config& config, std::int64_t now);

} // namespace pgmoat::cli
