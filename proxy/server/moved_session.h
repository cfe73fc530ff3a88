// A live session as one message from the process that has it to the one that takes it over: its row,
// where its messages stand, and the bytes that its peers are still to get. Its two sockets go beside
// it. The format is that of one version of pgmoat: both processes say first which one they speak
// (session_channel.h). Read as if a stranger had written it: every length and value has its bound, and
// what is accepted is what encode_session() would write.
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

// Where the cancel requests of a session go.
struct MovedRoute {
    std::string upstream; // by name: the new process has its own configuration
    std::string host;
    std::uint16_t port = 0;
    bool local = false;
    lookups::SocketAddress address;
};

// What is on its way to one side, as in relay::Leg.
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

// Nothing: it is larger than any session should be, or has something that cannot be moved.
[[nodiscard]] std::optional<protocol::Bytes> encode_session(const MovedSession& session);

// Nothing: it is none.
[[nodiscard]] std::optional<MovedSession> decode_session(protocol::ByteView bytes);

} // namespace pgmoat::server
