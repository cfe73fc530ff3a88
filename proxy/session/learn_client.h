// What the first messages of a connection say about its client, written into the facts that the access
// rules are asked with. Decides nothing, and reads from no socket.
#pragma once

#include "protocol/proxy_protocol.h"
#include "protocol/startup.h"
#include "protocol/tls_hello.h"
#include "proxy/io/sockets.h"
#include "proxy/telemetry/session_table.h"
#include "tls/session.h"

namespace pgmoat::session {

// Returns the client that the header names; the proxy itself where it names none.
[[nodiscard]] io::PeerAddress learn_proxy_header(telemetry::ClientFacts& client,
                                                 protocol::ProxyHeader header,
                                                 const io::PeerAddress& proxy);

// Of our own TLS with the client.
void learn_tls(telemetry::ClientFacts& client, const tls::PeerFacts& peer);

void learn_startup(telemetry::ClientFacts& client, const protocol::StartupMessage& startup);

// Of TLS that passes through: what the server chose.
void learn_server_hello(telemetry::ClientFacts& client, const protocol::ServerHelloFacts& hello);

} // namespace pgmoat::session
