// Relays the login between client and server until the server is ready for queries, watching the
// server's messages only (law 7), but for a SCRAM exchange that is bridged (bridged_login.h). What
// each side sent beyond that stays in its stream.
#pragma once

#include "protocol/login_observer.h"
#include "proxy/io/stream.h"
#include "proxy/session/bridged_login.h"
#include "proxy/session/close_reason.h"

namespace pgmoat::session {

struct Login {
    Stop stop; // nothing: the server is ready
    protocol::LoginFacts facts;
    protocol::Bytes sent_after_ready;    // what the client got already behind ReadyForQuery
    bool client_between_messages = true; // else the rest of what it sent ahead is still to come
    bool server_between_messages = true; // what went to the client ended with a message
    bool unproven =
        false; // the server asked for less than is accepted; the client was told nothing
    // Another server must be tried, as LoginContext::role says; the client can wait for it.
    bool elsewhere = false;
    std::string left; // why this one is left
    telemetry::ScramFacts scram;
};

// `first_reply`: what the server already said. The clock runs for the side that owes the next
// message. Tells the client a FATAL of our own where the server's end leaves it without a word.
[[nodiscard]] Awaitable<Login> relay_login(io::Stream& client,
                                           io::Stream& server,
                                           const LoginContext& context,
                                           protocol::Bytes first_reply);

} // namespace pgmoat::session
