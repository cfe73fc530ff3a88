// What pgmoat itself tells a client after its startup packet: fixed texts with their SQLSTATE.
// Causes stay in our log. Refused first packets: protocol/refusals.h.
//
// 57P03 makes libpq go to its next host without trying again in plaintext; any other code makes
// sslmode=prefer clients come back without TLS (reference: libpq, fe-connect.c, PQconnectPoll()).
#pragma once

#include "protocol/messages.h"

namespace pgmoat::control::refusal {

// PostgreSQL's own.
inline constexpr protocol::ErrorText too_many_connections{"53300",
                                                          "sorry, too many clients already"};

// Ours.
inline constexpr protocol::ErrorText upstream_unreachable{"57P03",
                                                          "the upstream server cannot be reached"};
inline constexpr protocol::ErrorText upstream_nonsense{
    "57P03", "the upstream server does not speak the PostgreSQL protocol"};
inline constexpr protocol::ErrorText upstream_lost{
    "57P03", "the upstream server closed the connection during login"};

} // namespace pgmoat::control::refusal
