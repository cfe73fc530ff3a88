// Tells a plain PostgreSQL server who the client is, in the startup packet: client_facts of an
// upstream. The session can change both later, so they must not be used for authorisation.
//
//   application_name   `psql - 10.0.0.7:5123`, as PgBouncer's application_name_add_host
//   settings           pgmoat.client_addr, .client_port, .tls_version, .tls_cipher, .client_dn and
//                      .connection_id; parameters with these names from the client are removed
#pragma once

#include "protocol/startup.h"
#include "proxy/config/conninfo.h"
#include "proxy/telemetry/session_table.h"

#include <cstdint>
#include <optional>

namespace pgmoat::session {

struct ToldClient {
    const telemetry::ClientFacts& facts;
    std::uint16_t port;
    std::uint64_t id; // of its connection
};

// The packet for the server. Nothing: with the facts it would be longer than PostgreSQL accepts.
[[nodiscard]] std::optional<protocol::Bytes> packet_with_facts(
    config::ClientFacts which, const protocol::StartupMessage& startup, const ToldClient& client);

} // namespace pgmoat::session
