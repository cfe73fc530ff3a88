// Performs the actions of the client handshake machine on a real socket, up to the startup packet
// or cancel request (terminating listeners).
#pragma once

#include "metrics/counters.h"
#include "metrics/labels.h"
#include "protocol/client_handshake.h"
#include "proxy/access/client_limits.h"
#include "proxy/io/stream.h"
#include "proxy/session/close_reason.h"
#include "tls/context.h"

#include <optional>
#include <variant>

namespace pgmoat::session {

using Opening = std::variant<protocol::StartupMessage, protocol::CancelRequest>;

struct Greeting {
    protocol::ClientHandshakeFacts facts;
    std::variant<Opening, Ended> result = Ended{};
    tls::Failure tls_failure = tls::Failure::none; // if the handshake failed
    std::optional<metrics::StartupError> refused;  // for metrics, if no packet was acceptable
};

// `context`: our TLS, or nothing if TLS is off or the socket is a Unix one.
[[nodiscard]] Awaitable<Greeting> greet(io::Stream& client,
                                        const tls::ServerContext* context,
                                        metrics::Block& counters,
                                        access::ClientLimits& limits);

} // namespace pgmoat::session
