// Runs ssl_passphrase_command as PostgreSQL does (be-secure-common.c): with the shell, standard
// output read, exit status 0 demanded. Blocks, at most for the time in limits.h, so a reload calls
// it on a thread of its own. Throws tls::Error in PostgreSQL's words.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

namespace pgmoat::server {

// The first line of the output, with its end. A command that takes longer, or runs when `stop` asks
// for an end, is killed, with all that it has started unless there is a terminal where it may ask.
// It inherits no files but the first three.
[[nodiscard]] std::string run_passphrase_command(const std::string& command,
                                                 std::chrono::milliseconds limit,
                                                 std::stop_token stop = {});

} // namespace pgmoat::server
