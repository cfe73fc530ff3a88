// What the process is to the system: its user, its limits, and what must not leak from it.
#pragma once

#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>

namespace pgmoat::server {

class ProcessError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

// No core files and no other process of the same user reading our memory: it holds private keys.
// SIGPIPE is ignored: writes say what failed.
void protect_process();

// From the first moment until the server can answer them: SIGHUP waits, and is then a reload; SIGUSR1
// and SIGUSR2, which mean nothing here, do not end the process as they would by default. Threads
// that start in between inherit it.
void hold_signals();
void release_signals();

// Like PostgreSQL, pgmoat does not serve as root. Throws unless there is a user to become.
void refuse_root(const std::string& user_to_become);

// After sockets are bound and keys are read. Gives up root for good and checks that it did. Throws
// ProcessError; does nothing when `user` is empty.
void become_user(const std::string& user);

// The user exists and is not root; empty is no user. Throws ProcessError.
void require_user(const std::string& user);

// The uid that become_user() will change to; nothing: it will not.
[[nodiscard]] std::optional<unsigned> user_to_become(const std::string& user);

// How many connections the hard limit of descriptors allows, two descriptors each and a reserve; at
// most `connections`. Throws ProcessError when it is too low for one.
[[nodiscard]] std::size_t connections_allowed(std::size_t connections);

// The same, and raises the soft limit to it.
[[nodiscard]] std::size_t provide_descriptors(std::size_t connections);

// A warning that fewer are allowed than are wanted; empty: all are.
[[nodiscard]] std::string shortage_of_descriptors(std::size_t allowed, std::size_t wanted);

} // namespace pgmoat::server
