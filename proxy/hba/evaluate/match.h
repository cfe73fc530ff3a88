// Whether one rule matches a connection, and what must be known to tell. Used by the evaluation and
// the index. The outcome is that of PostgreSQL's order (type, address, database, user); but the parts
// that cost nothing are compared first, so that no connection waits for a resolver or a query whose
// answer cannot matter.
// Source: PostgreSQL, src/backend/libpq/hba.c, check_hba(), check_db(), check_role().
#pragma once

#include "proxy/hba/evaluate/evaluation.h"
#include "proxy/hba/net_address.h"
#include "proxy/hba/rule.h"

#include <string_view>
#include <variant>

namespace pgmoat::hba {

using Match = std::variant<bool, Question>;

// Notes in `known` that the forward lookup was used. Roles that could not be had stay a question.
[[nodiscard]] Match match(const Rule& rule, const Candidate& candidate, Answers& known);

[[nodiscard]] bool matches_type(RecordType type, Family family, bool tls, bool gss) noexcept;

// One token of a user list, or the database user of a pg_ident.conf line.
[[nodiscard]] Match
match_user(const NameMatch& wanted, std::string_view user, const Answers& known);

} // namespace pgmoat::hba
