// The process and the system: its user, its limits, and protection of its memory.
#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>

namespace pgmoat::server {

class ProcessError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Disables core files, and reading of our memory by other processes of the same user: it holds
// private keys. Ignores SIGPIPE: failed writes return an error.
void protect_process();

// Blocks SIGHUP, SIGUSR1 and SIGUSR2 until the server handles them: by default they would end the
// process. A SIGHUP that arrives meanwhile causes a reload later. Threads inherit the mask.
void hold_signals();
void release_signals();

// As PostgreSQL, pgmoat does not serve as root. Throws unless there is another user to become.
void refuse_root(const std::string& user_to_become);

// Called after sockets are bound and keys are read. Drops root irrevocably, and verifies that.
// Throws ProcessError; does nothing when `user` is empty.
void become_user(const std::string& user);

// Throws ProcessError unless the user exists and is not root; does nothing if `user` is empty.
void require_user(const std::string& user);

// The uid that become_user() will switch to; nothing: it will not switch.
[[nodiscard]] std::optional<unsigned> user_to_become(const std::string& user);

// How many connections the hard limit of descriptors allows (two for each, plus a reserve), at most
// `connections`. Throws ProcessError if it does not even allow one.
[[nodiscard]] std::size_t connections_allowed(std::size_t connections);

// The same, and raises the soft limit to it.
[[nodiscard]] std::size_t provide_descriptors(std::size_t connections);

// The warning that fewer connections are allowed than configured; empty: all are allowed.
[[nodiscard]] std::string shortage_of_descriptors(std::size_t allowed, std::size_t wanted);

} // namespace pgmoat::server
