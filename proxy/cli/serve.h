// `pgmoat --config FILE` and `pgmoat check --config FILE`.
#pragma once

#include "proxy/cli/sslmodes.h"

#include <string>

namespace pgmoat::cli {

// Serves until a signal ends it. Gives the exit code.
[[nodiscard]] int serve(const std::string& config_file);

struct CheckOptions {
    std::string config_file;
    bool probe = false; // ask the servers, as a start does
    bool explain = false;
    ClientQuestion question; // with explain: of one client
};

// Loads everything that serve() would and binds nothing; says what is wrong or worth knowing, one
// line each. `explain` adds what each sslmode of a client means.
[[nodiscard]] int check(const CheckOptions& options);

} // namespace pgmoat::cli
