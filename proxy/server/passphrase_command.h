// Runs ssl_passphrase_command as PostgreSQL does (be-secure-common.c): in a shell, reading its
// standard output; it must exit with status 0. Blocks up to the time in limits.h, so a reload calls
// it on a thread of its own. Throws tls::Error with PostgreSQL's text.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

namespace pgmoat::server {

// Returns the first line of the output, including its line end. A command that takes too long, or
// still runs when `stop` is requested, is killed: with all processes that it has started, unless
// there is a terminal on which it may prompt. It inherits only descriptors 0 to 2.
[[nodiscard]] std::string run_passphrase_command(const std::string& command,
                                                 std::chrono::milliseconds limit,
                                                 std::stop_token stop = {});

} // namespace pgmoat::server
