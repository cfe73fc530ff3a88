// Where the load goes: an IPv4 address and port or a unix socket, and from which loopback
// addresses.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace pgmoat::bench {

struct Target {
    std::string host = "127.0.0.1"; // a path ('/' first) is a unix socket
    std::uint16_t port = 5432;
    // Connections come from 127.0.0.1, 127.0.0.2, ... in turn; 0 leaves the choice to the kernel.
    // One source address has only some 28,000 ports.
    std::size_t sources = 0;
};

// A non-blocking socket on its way to the target. Throws std::system_error.
[[nodiscard]] int start_connect(const Target& target, std::size_t number);
// What became of it: 0 or an errno.
[[nodiscard]] int connect_outcome(int descriptor);

} // namespace pgmoat::bench
