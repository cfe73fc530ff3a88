// How every command fails: a message on stderr in PostgreSQL's style, and an exit code.
#pragma once

#include <functional>
#include <stdexcept>
#include <string>

namespace pgmoat::cli {

// The command line makes no sense: exit_usage.
struct UsageError : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// "pgmoat: FATAL:  ..."
void say(const char* level, const std::string& line);

// Runs `work` and turns exceptions into a message and an exit code.
[[nodiscard]] int with_exit_codes(const std::string& config_file, const std::function<int()>& work);
// The same for a server: if its log is JSON, the reason for a failed start is JSON too.
[[nodiscard]] int serving_with_exit_codes(const std::string& config_file,
                                          const std::function<int()>& work);

} // namespace pgmoat::cli
