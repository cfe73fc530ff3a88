// Relays the login between client and server until the server is ready for queries, watching the
// server's messages only (law 7), except for a bridged SCRAM exchange (bridged_login.h). Bytes that
// a side sent beyond that stay in its stream.
#pragma once

#include "protocol/login_observer.h"
#include "proxy/io/stream.h"
#include "proxy/session/bridged_login.h"
#include "proxy/session/close_reason.h"

namespace pgmoat::session {

struct Login {
    Stop stop; // nothing: the server is ready
    protocol::LoginFacts facts;
    protocol::Bytes sent_after_ready; // sent to the client after ReadyForQuery
    bool client_between_messages =
        true; // otherwise the rest of a pipelined message is still to come
    bool server_between_messages = true; // the bytes sent to the client ended with a message
    bool unproven =
        false; // the server asked for less than is accepted; the client got no error yet
    // Another server must be tried, as LoginContext::role says; the client can wait for it.
    bool elsewhere = false;
    std::string left; // why this one is left
    telemetry::ScramFacts scram;
};

// `first_reply`: what the server has already sent. The clock runs for the side that must send next.
// Sends the client a FATAL of our own if the server closes without one.
[[nodiscard]] Awaitable<Login> relay_login(io::Stream& client,
                                           io::Stream& server,
                                           const LoginContext& context,
                                           protocol::Bytes first_reply);

} // namespace pgmoat::session
