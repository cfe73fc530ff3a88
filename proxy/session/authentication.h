// PostgreSQL's log line "connection authenticated: identity=... method=...", a part of
// log_connections since 14: who a client has proved to be, and how.
#pragma once

#include "protocol/server_method.h"
#include "proxy/hba/rule.h"
#include "proxy/telemetry/log_fields.h"
#include "proxy/telemetry/session_table.h"

#include <cstdint>
#include <optional>

namespace pgmoat::session {

// `rule` may be null. Nothing: the client has proved nothing (trust), or to the server alone who it
// is (gss, sspi, oauth: the principal passes by unseen).
[[nodiscard]] std::optional<telemetry::Fields>
describe_authentication(std::uint64_t id,
                        const telemetry::SessionFacts& facts,
                        const hba::Rule* rule,
                        protocol::ServerMethod method);

} // namespace pgmoat::session
