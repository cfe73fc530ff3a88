// Listening sockets that another process gave to this one: the service manager at a start, or the
// process that this one follows at an upgrade. Each is claimed by the address that it is bound to.
#pragma once

#include "proxy/descriptor.h"

#include <sys/socket.h>

#include <string>
#include <vector>

namespace pgmoat::server {

struct HandedOverSocket {
    Descriptor socket;
    bool with_file = false; // a unix socket whose file in the file system comes with it
};

class HandedOverSockets {
  public:
    HandedOverSockets() = default;
    explicit HandedOverSockets(std::vector<HandedOverSocket> sockets)
        : sockets_(std::move(sockets)) {}

    // The one that is bound to this address; port 0 means any port. Nothing: there is none.
    [[nodiscard]] HandedOverSocket take(const sockaddr* wanted, socklen_t size);
    // What nobody has claimed; empty: nothing. Its clients would wait for ever.
    [[nodiscard]] std::string unclaimed() const;

  private:
    std::vector<HandedOverSocket> sockets_;
};

} // namespace pgmoat::server
