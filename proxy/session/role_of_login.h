// Roles that are learnt at login: what a login carries from one server to the next until one has the
// role that is asked for (upstream/role_search.h says which). The client does not notice: until then it
// is told nothing that only this server could keep.
//
//   the server asks for      | the client has been told     | on a server of another role
//   -------------------------+------------------------------+---------------------------------------
//   nothing (trust, cert,    | nothing                      | the next host gets the same startup
//     peer)                  |                              | packet
//   SCRAM, and it is bridged | everything but that it was   | pgmoat logs in to the next host with
//                            | let in                       | the keys that the client's proof gave
//   anything else            | everything: the login is the | FATAL 57P03; prefer-standby: it stays
//                            | client's own                 |
#pragma once

#include "protocol/bytes.h"
#include "protocol/scram_proven.h"
#include "proxy/io/stream.h"
#include "proxy/session/close_reason.h"
#include "proxy/telemetry/session_table.h"
#include "proxy/upstream/dial.h"
#include "proxy/upstream/role_search.h"

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

namespace pgmoat::session {

struct LoginContext;

// A client whose proof a server has accepted. Its SASL exchange is over but for the last word.
struct ProvenClient {
    explicit ProvenClient(const protocol::ScramDigests& digests) : keys(digests) {}
    protocol::ScramProven keys;
    protocol::Bytes accept;                          // that word, with our own v=
    std::optional<std::uint32_t> negotiated_version; // that it was told
    telemetry::ScramFacts scram;
};

struct RoleOfLogin {
    explicit RoleOfLogin(upstream::RoleSearch begun) : search(std::move(begun)) {}
    upstream::RoleSearch search;
    std::optional<ProvenClient> client; // of a bridged login
};

// The search begins with what earlier logins have learnt of the upstream's hosts.
[[nodiscard]] upstream::RoleSearch begin_role_search(runtime::LearntRoles& learnt,
                                                     const runtime::UpstreamTarget& target,
                                                     upstream::Plan plan,
                                                     bool remembered);

// What a login has shown of this server, for the logins to come; a change of its role is logged.
void remember_role(runtime::Services& services,
                   const upstream::ServerRoute& route,
                   const protocol::LoginFacts& login);

// The same login on the next server, up to its AuthenticationOk. The server's list of SASL mechanisms
// was intercepted; `rest` is what came after it.
struct RepeatedLogin {
    Stop stop;                 // nothing: the login goes on
    std::string left;          // not empty: the server cannot be logged in to, and why
    protocol::Bytes to_client; // notices; with `stop` the refusal
    protocol::Bytes rest;      // of the server, not yet observed
    bool unproven = false;     // the server asked for less than is accepted
};
[[nodiscard]] Awaitable<RepeatedLogin> repeat_login(const LoginContext& context,
                                                    io::Stream& client,
                                                    io::Stream& server,
                                                    protocol::LoginObserver& observer,
                                                    protocol::Bytes rest);

// What was held back for the client, without a NegotiateProtocolVersion that it has had. The last
// frame may be a part of one.
[[nodiscard]] protocol::Bytes without_negotiation(protocol::ByteView held);

} // namespace pgmoat::session
