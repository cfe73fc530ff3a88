// The PROXY protocol at work: reads the header of a proxy before us, and makes the one for a server
// after us. Wire format: protocol/proxy_protocol.h.
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

// May this peer of a listener with proxy_protocol=require say who a client is? A unix socket's may:
// the file system decided who can connect.
[[nodiscard]] bool is_trusted(const config::Listener& listener, const io::PeerAddress& peer);

using ArrivedHeader = std::variant<Ended, protocol::ProxyHeader>;
// Takes the header from the stream, and not a byte after it: the next one is the client's.
[[nodiscard]] Awaitable<ArrivedHeader> read_proxy_header(io::Stream& client);

// The client as the header names it; the proxy itself where it names none.
[[nodiscard]] io::PeerAddress named_client(const protocol::ProxyHeader& header,
                                           const io::PeerAddress& proxy);

// What is known of a client on its way to a server. `local`: the address that it connected to.
struct Hop {
    const telemetry::ClientFacts& client;
    const protocol::ProxyHeader* before; // of a proxy before us; null: there was none
    const io::PeerAddress& local;
    std::uint64_t id;
};

// What goes before the first byte to a server whose connection string has proxy_protocol; empty
// without. TLS facts are those of our own client, or what the proxy before us said of its.
[[nodiscard]] protocol::Bytes header_for_server(config::ProxyProtocol version, const Hop& hop);

} // namespace pgmoat::session
