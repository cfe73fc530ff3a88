// PostgreSQL's log line "connection authenticated: identity=... method=...", part of
// log_connections since version 14: as whom a client has authenticated, and how.
#pragma once

#include "protocol/server_method.h"
#include "proxy/hba/evaluate/evaluation.h"
#include "proxy/hba/rule.h"
#include "proxy/telemetry/log_fields.h"
#include "proxy/telemetry/session_table.h"

#include <cstdint>
#include <optional>

namespace pgmoat::session {

// `rule` may be null. Nothing: the client has not authenticated (trust), or with an identity that
// only the server sees (gss, sspi, oauth).
[[nodiscard]] std::optional<telemetry::Fields>
describe_authentication(std::uint64_t id,
                        const telemetry::SharedFacts& facts,
                        const hba::Rule* rule,
                        protocol::ServerMethod method);

// Refused although authenticated: the identity from its certificate or socket is not permitted to
// be this user. PostgreSQL logs the authentication in that case, too.
[[nodiscard]] bool has_proved_to_be_another(const hba::Decision& decision,
                                            const telemetry::ClientFacts& facts);

} // namespace pgmoat::session
