// What pgmoat's exit codes mean.
#pragma once

namespace pgmoat::cli {

enum ExitCode : int {
    exit_ok = 0,     // done; drained
    exit_failed = 1, // runtime error; connections were cut off
    exit_usage = 2,
    exit_configuration = 3, // configuration or rules invalid
    exit_tls = 4,           // certificates or keys invalid
    exit_bind = 5,          // an address cannot be bound
};

} // namespace pgmoat::cli
