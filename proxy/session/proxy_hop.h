// Uses the PROXY protocol: reads the header from a proxy in front of us, and writes the one for the
// server. Wire format: protocol/proxy_protocol.h.
#pragma once

#include "protocol/proxy_protocol.h"
#include "proxy/config/config.h"
#include "proxy/io/sockets.h"
#include "proxy/io/stream.h"
#include "proxy/session/close_reason.h"
#include "proxy/telemetry/session_table.h"

#include <cstdint>
#include <variant>

namespace pgmoat::session {

// Whether this peer of a listener with proxy_protocol=require may name the client. Peers on a Unix
// socket may: file permissions control who can connect.
[[nodiscard]] bool is_trusted(const config::Listener& listener, const io::PeerAddress& peer);

using ArrivedHeader = std::variant<Ended, protocol::ProxyHeader>;
// Reads the header from the stream, and not a byte after it: the next one is the client's.
[[nodiscard]] Awaitable<ArrivedHeader> read_proxy_header(io::Stream& client);

// The client named in the header; the proxy itself if it names none.
[[nodiscard]] io::PeerAddress named_client(const protocol::ProxyHeader& header,
                                           const io::PeerAddress& proxy);

// The facts about a client for the server's header. `local`: the address that it connected to.
struct Hop {
    const telemetry::ClientFacts& client;
    std::uint16_t client_port;
    const protocol::ProxyHeader* before; // from a proxy in front of us; null: none
    const io::PeerAddress& local;
    std::uint64_t id;
};

// The header for a server whose connection string has proxy_protocol; otherwise empty. TLS facts
// are those of our own client, or what the proxy in front of us reported about its client.
[[nodiscard]] protocol::Bytes header_for_server(config::ProxyProtocol version, const Hop& hop);

} // namespace pgmoat::session
