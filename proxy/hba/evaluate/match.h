// Whether a rule matches a connection, or what must be looked up to decide that. Used by the
// evaluation and the index. The result is that of PostgreSQL's order (type, address, database,
// user), but what needs no lookup is compared first, so that no connection waits for an answer that
// cannot matter. Source: PostgreSQL, src/backend/libpq/hba.c, check_hba(), check_db(),
// check_role().
#pragma once

#include "proxy/hba/evaluate/evaluation.h"
#include "proxy/hba/net_address.h"
#include "proxy/hba/rule.h"

#include <string_view>
#include <variant>

namespace pgmoat::hba {

using Match = std::variant<bool, Question>;

// Notes in `known` that the forward lookup was used. Roles that could not be looked up remain a
// question.
[[nodiscard]] Match match(const Rule& rule, const Candidate& candidate, Answers& known);

[[nodiscard]] bool matches_type(RecordType type, Family family, bool tls, bool gss) noexcept;

// One token of a user list, or the database user of a pg_ident.conf line.
[[nodiscard]] Match
match_user(const NameMatch& wanted, std::string_view user, const Answers& known);

} // namespace pgmoat::hba
