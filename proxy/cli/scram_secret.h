// `pgmoat scram-secret USER`: a line for auth_file, console_auth_file or http_users_file, and the
// statement that gives the role the same password.
#pragma once

#include <string>

namespace pgmoat::cli {

// Reads the password from standard input, without showing it on a terminal, and prints the line to
// standard output; the ALTER ROLE statement follows unless `line_only`. Returns the exit code.
[[nodiscard]] int make_scram_secret(const std::string& user, int iterations, bool line_only);

} // namespace pgmoat::cli
