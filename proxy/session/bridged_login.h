// The login step where the client's answers to the server's SCRAM cannot simply be relayed: drives
// the SCRAM bridge (protocol/scram_bridge.h) between two streams, looks the user's secret up, and
// hands the login back to the relay once the server has accepted it, or if it is not bridged.
//
// Called once, by the login relay, when the server's list of SASL mechanisms has arrived and is
// withheld. What happens then:
//
//   login  | the legs and the offer                       | the login is
//   -------+----------------------------------------------+-----------------------------------------
//   any    | no SCRAM in the list                         | relayed
//   relay  | any                                          | relayed
//   bridge | any                                          | bridged
//   auto   | the server's leg in plaintext, PLUS not      | relayed: that works for every client
//          | offered, or one certificate on both legs     |
//   auto   | only the client's leg in plaintext           | relayed if the client says that it cannot bind
//          |                                              | (n), as libpq does; else (y, as node-postgres
//          |                                              | may) as below, from its first message on
//   auto   | else, with a source of secrets               | bridged
//   auto   | else, without one                            | relayed if the client binds to nothing (n),
//          |                                              | else refused; the error says what to configure
#pragma once

#include "protocol/frames.h"
#include "protocol/login_observer.h"
#include "protocol/server_method.h"
#include "proxy/access/lookup_client.h"
#include "proxy/config/config.h"
#include "proxy/io/deadline.h"
#include "proxy/io/stream.h"
#include "proxy/session/close_reason.h"
#include "proxy/session/login_bytes.h"
#include "proxy/session/login_clock.h"
#include "proxy/telemetry/session_table.h"

#include <functional>
#include <optional>
#include <string>

namespace pgmoat::session {

struct RoleOfLogin;

// What a login needs: the first two in any case, the others for bridging. References must outlive
// it.
struct LoginContext {
    LoginClock& clock;
    protocol::ServerMethods accepted =
        protocol::ServerMethods::all(); // what the server may ask for
    config::LoginMode mode = config::LoginMode::relay;
    const config::ScramSecrets& secrets;      // of auth_file
    const lookups::QuerySource& secret_query; // empty: no auth_query
    const std::string& user;
    access::LookupClient& lookups;
    metrics::Block& counters;
    io::DeadlineQueue& deadlines;
    // Called when the client has disconnected while the bridge waits for something else. Must end
    // every wait of the session.
    std::function<void()> client_left;
    bool refuse_standby = false; // a primary is required
    RoleOfLogin* role = nullptr; // learnt at login; null: any will do, or it is known
};

struct BridgeEnd {
    Stop stop;                 // nothing: the login continues
    protocol::Bytes to_server; // from the client, not yet sent
    protocol::Bytes rest;      // from the server, not yet observed
    bool unproven = false;     // the server asked for less than is accepted
    telemetry::ScramFacts scram;

    BridgeEnd() = default;
    BridgeEnd(BridgeEnd&&) = default;
    BridgeEnd& operator=(BridgeEnd&&) = default;
    ~BridgeEnd() {
        wipe_room(to_server);
        wipe_room(rest);
    }
};

// `rest`: what the server sent after its list, which the observer has withheld; afterwards nothing
// is withheld. `to_client` follows all bytes sent to the client. Sends the client a FATAL if it is
// refused, unless the result is `unproven`. Counts the outcome.
[[nodiscard]] Awaitable<BridgeEnd> bridge_login(const LoginContext& context,
                                                io::Stream& client,
                                                io::Stream& server,
                                                protocol::LoginObserver& observer,
                                                protocol::FrameWalker& to_client,
                                                protocol::Bytes rest);

} // namespace pgmoat::session
