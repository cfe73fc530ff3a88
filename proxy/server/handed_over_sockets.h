// Listening sockets from another process: from the service manager at start, or from the old
// process at an upgrade. A listener claims the one that is bound to its address.
#pragma once

#include "proxy/descriptor.h"

#include <sys/socket.h>

#include <string>
#include <vector>

namespace pgmoat::server {

// sd_listen_fds(3): passed descriptors begin here.
inline constexpr int first_handed_over = 3;

struct HandedOverSocket {
    Descriptor socket;
    bool with_file = false; // a Unix socket for whose file we are responsible
};

class HandedOverSockets {
  public:
    HandedOverSockets() = default;
    explicit HandedOverSockets(std::vector<HandedOverSocket> sockets)
        : sockets_(std::move(sockets)) {}

    // Claims the socket bound to this address; port 0 means any port. Nothing: there is none.
    [[nodiscard]] HandedOverSocket take(const sockaddr* wanted, socklen_t size);
    // For an error: the sockets that no listener has claimed, whose clients would wait for ever;
    // empty: none.
    [[nodiscard]] std::string unclaimed() const;

  private:
    std::vector<HandedOverSocket> sockets_;
};

} // namespace pgmoat::server
