// Sockets as both legs need them: options, and a peer's address in PostgreSQL's spelling.
#pragma once

#include "proxy/io/asio.h"

#include <sys/socket.h>

#include <cstdint>
#include <optional>
#include <string>

namespace pgmoat::io {

// PostgreSQL's and libpq's keepalive settings; 0 leaves the system's default.
struct TcpSettings {
    bool keepalives = true;
    int keepalives_idle = 0;     // seconds
    int keepalives_interval = 0; // seconds
    int keepalives_count = 0;
    int user_timeout_ms = 0;
};

// TCP_NODELAY always: a message must not wait for the next one. Nothing on a unix socket.
void apply_tcp_settings(int socket, int family, const TcpSettings& settings);
// The same for all that is accepted from now on: sockets inherit from the one that listens. Settings
// of before go: what is 0 now is the system's default again.
void apply_to_listening_socket(int socket, int family, TcpSettings settings);

struct PeerAddress {
    std::string text; // numeric; "[local]" on a unix socket; IPv4-mapped ones as IPv4
    std::uint16_t port = 0;
    bool local = false; // a unix socket
};

// Of the process at the other end of a unix socket, as it was when it connected.
[[nodiscard]] std::optional<uid_t> peer_uid(int socket);

[[nodiscard]] PeerAddress peer_address(const sockaddr_storage& address);
// Of our own end.
[[nodiscard]] PeerAddress local_address(int socket);

} // namespace pgmoat::io
