// `pgmoat --config FILE` and `pgmoat check --config FILE`.
#pragma once

#include "proxy/cli/sslmodes.h"

#include <string>

namespace pgmoat::cli {

// Serves until a signal ends it. Returns the exit code.
[[nodiscard]] int serve(const std::string& config_file);

struct CheckOptions {
    std::string config_file;
    bool probe = false; // connect to the servers, as a start does
    bool explain = false;
    ClientQuestion question; // with explain: about one client
};

// Loads everything that serve() would, binds nothing, and prints errors and findings, one line
// each. `explain` adds the result of each sslmode of a client.
[[nodiscard]] int check(const CheckOptions& options);

} // namespace pgmoat::cli
