// `pgmoat --config FILE` and `pgmoat check --config FILE`.
#pragma once

#include <string>

namespace pgmoat::cli {

// Serves until a signal ends it. Gives the exit code.
[[nodiscard]] int serve(const std::string& config_file);

// Loads everything that serve() would and binds nothing; says what is wrong or worth knowing, one
// line each. `explain` adds what each sslmode of a client means.
[[nodiscard]] int check(const std::string& config_file, bool explain);

} // namespace pgmoat::cli
