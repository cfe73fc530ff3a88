// PostgreSQL's log line "connection authenticated: identity=... method=...", a part of
// log_connections since 14: who a client has proved to be, and how.
#pragma once

#include "protocol/server_method.h"
#include "proxy/hba/evaluate/evaluation.h"
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

// Refused, but not for want of a proof: by certificate or socket the client is somebody who may not
// be this user. PostgreSQL logs the proof of such a one, too.
[[nodiscard]] bool has_proved_to_be_another(const hba::Decision& decision,
                                            const telemetry::ClientFacts& facts);

} // namespace pgmoat::session
