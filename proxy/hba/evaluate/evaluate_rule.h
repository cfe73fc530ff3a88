// What a matched rule decides about a connection: allow or refuse. The order is PostgreSQL's:
// certificate, reject, our demands, names. Called only by the evaluation. Source: PostgreSQL,
// src/backend/libpq/auth.c, ClientAuthentication(), CheckCertAuth(), auth_peer().
#pragma once

#include "proxy/hba/evaluate/evaluation.h"
#include "proxy/hba/rule.h"

#include <variant>

namespace pgmoat::hba {

// A question only if pg_ident.conf needs roles.
[[nodiscard]] std::variant<Decision, Question> evaluate_rule(const Rule& rule,
                                                             const Rules& rules,
                                                             const Candidate& candidate,
                                                             const Answers& known);

} // namespace pgmoat::hba
