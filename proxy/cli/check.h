// What `pgmoat check` says of a configuration that loads: one line for each thing that was looked
// at, and with --explain what each sslmode of a client means for it. Reads certificate files; knows
// no socket.
#pragma once

#include "proxy/config/config.h"
#include "proxy/hba/rule.h"

#include <cstdint>
#include <string>
#include <vector>

namespace pgmoat::cli {

struct Finding {
    enum class Level { ok, warning, error };
    Level level = Level::ok;
    std::string text;
};

// `now` is in Unix seconds. Throws tls::Error when a file went away since it was loaded.
[[nodiscard]] std::vector<Finding> check_tls(const config::Config& config, std::int64_t now);

// A table for each listener, as lines: what its rules (none: everyone is let in) leave possible to
// some client or other.
[[nodiscard]] std::vector<std::string>
explain_sslmodes(const config::Config& config, const std::vector<const hba::Rules*>& rules);

} // namespace pgmoat::cli
