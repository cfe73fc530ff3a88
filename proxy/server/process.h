// What the process is to the system: its user, its limits, and what must not leak from it.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace pgmoat::server {

class ProcessError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

// No core files and no other process of the same user reading our memory: it holds private keys.
// SIGPIPE is ignored: writes say what failed.
void protect_process();

// Like PostgreSQL, pgmoat does not serve as root. Throws unless there is a user to become.
void refuse_root(const std::string& user_to_become);

// After sockets are bound and keys are read. Gives up root for good and checks that it did. Throws
// ProcessError; does nothing when `user` is empty.
void become_user(const std::string& user);

// Raises the soft limit of descriptors to what `connections` need, two each and a reserve. Gives
// the number of connections that the hard limit allows, when that is less.
[[nodiscard]] std::size_t provide_descriptors(std::size_t connections);

} // namespace pgmoat::server
