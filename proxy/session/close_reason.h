// How a step of a session ends the connection, and pgmoat's own errors for the client.
#pragma once

#include "protocol/login_observer.h"
#include "protocol/messages.h"
#include "proxy/io/stream.h"
#include "proxy/relay/channel.h"

#include <optional>
#include <string>
#include <utility>

namespace pgmoat::session {

using metrics::CloseReason;
using metrics::Side;
using relay::Ended;

// Nothing: the session continues with the next step.
using Stop = std::optional<Ended>;

// The reason and text for a failed read or write; every I/O error names its side.
[[nodiscard]] Ended ended_by(Side side, const io::Result& io);
// The server refused the login; the client has got its error.
[[nodiscard]] Ended refused_by_server(const protocol::LoginFacts& login);
// The server asked for a weaker method than the rule's.
[[nodiscard]] Ended unproven_by_server();

// A primary is required, and the server reports that it is a standby.
[[nodiscard]] Ended standby_refused();

// pgmoat's own errors for a client after its startup packet: fixed texts with their SQLSTATE.
// Causes are only logged. Refused first packets: protocol/refusals.h.
//
// 57P03 makes libpq go to its next host without retrying in plaintext; after any other code,
// sslmode=prefer clients retry without TLS (reference: libpq, fe-connect.c, PQconnectPoll()).
namespace refusal {

// PostgreSQL's own texts.
inline constexpr protocol::ErrorText too_many_connections{"53300",
                                                          "sorry, too many clients already"};

// pgmoat's own. A limit that ends by itself has code 57P03.
inline constexpr protocol::ErrorText too_many_connections_from_address{
    "53300", "too many connections from this client address"};
inline constexpr protocol::ErrorText too_many_logins_from_address{
    "57P03", "too many login attempts from this client address, try again later"};
inline constexpr protocol::ErrorText too_many_failures_from_address{
    "57P03", "too many failed logins from this client address, try again later"};
inline constexpr protocol::ErrorText startup_too_long{
    "54000", "startup packet is too long to add the client's facts for the server"};
inline constexpr protocol::ErrorText upstream_unreachable{"57P03",
                                                          "the upstream server cannot be reached"};
inline constexpr protocol::ErrorText no_server_of_role{"57P03",
                                                       "no upstream server has the required role"};
// Where the role is learnt in a login that only the client can make again.
inline constexpr protocol::ErrorText server_of_other_role{
    "57P03",
    "no upstream server has the required role",
    "The server that was tried has another role, and the login cannot be repeated on the next one.",
    "Connect again: the next login begins with another server."};
inline constexpr protocol::ErrorText upstream_protocol_violation{
    "57P03", "the upstream server does not speak the PostgreSQL protocol"};
// PostgreSQL's text, without its reason.
inline constexpr protocol::ErrorText out_of_service{
    "57P03", "the database system is not accepting connections"};
inline constexpr protocol::ErrorText upstream_lost{
    "57P03", "the upstream server closed the connection during login"};
inline constexpr protocol::ErrorText upstream_slow{
    "57P03", "the upstream server did not complete the login in time"};

} // namespace refusal

} // namespace pgmoat::session
