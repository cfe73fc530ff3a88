// `pgmoat http-user NAME`: a line for http_users_file.
#pragma once

#include <string>

namespace pgmoat::cli {

// Reads the password from standard input, without showing it on a terminal, and prints the line.
// Gives the exit code.
[[nodiscard]] int make_http_user(const std::string& name);

} // namespace pgmoat::cli
