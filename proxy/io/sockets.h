// Socket options, and a peer's address in PostgreSQL's spelling, for both legs.
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

// Always sets TCP_NODELAY: a message must not wait for the next one. Does nothing for Unix sockets.
void apply_tcp_settings(int socket, int family, const TcpSettings& settings);
// For all connections accepted from now on, which inherit these options. Replaces earlier settings:
// 0 restores the system's default.
void apply_to_listening_socket(int socket, int family, TcpSettings settings);

struct PeerAddress {
    std::string text; // numeric; "[local]" for a Unix socket; IPv4-mapped addresses as IPv4
    std::uint16_t port = 0;
    bool local = false; // a Unix socket
};

// The uid of the process at the other end of a Unix socket, as of its connect().
[[nodiscard]] std::optional<uid_t> peer_uid(int socket);

[[nodiscard]] PeerAddress peer_address(const sockaddr_storage& address);
// The address of our own end.
[[nodiscard]] PeerAddress local_address(int socket);

} // namespace pgmoat::io
