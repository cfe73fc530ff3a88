// A live session as one message from the old process to the new one: its row, its position in the
// message streams, and the bytes that its peers are still to get. Its two sockets are passed with
// it. The format has a version, which both processes compare first (session_channel.h). It is
// parsed like untrusted input: every length and value is bounded, and only what encode_session()
// could have written is accepted.
#pragma once

#include "protocol/bytes.h"
#include "protocol/traffic_observer.h"
#include "proxy/lookups/socket_address.h"
#include "proxy/telemetry/session_table.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pgmoat::server {

// Where the cancel requests of a session are sent.
struct MovedRoute {
    std::string upstream; // by name: the new process has its own configuration
    std::string host;
    std::uint16_t port = 0;
    bool local = false;
    lookups::SocketAddress address;
};

// Bytes on their way to one side, as in relay::Leg.
struct MovedBytes {
    std::vector<std::uint8_t> unread;
    std::vector<std::uint8_t> unsent;
};

struct MovedSession {
    telemetry::MovedRow row; // without its route
    std::optional<MovedRoute> route;
    std::optional<protocol::TrafficObserver::State> messages; // none: the bytes are opaque
    MovedBytes client;
    MovedBytes server;
};

// Nothing: too large, or something that cannot be moved.
[[nodiscard]] std::optional<protocol::Bytes> encode_session(const MovedSession& session);

// Nothing: malformed.
[[nodiscard]] std::optional<MovedSession> decode_session(protocol::ByteView bytes);

} // namespace pgmoat::server
