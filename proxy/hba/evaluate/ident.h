// Applies pg_ident.conf: may a system user (from a certificate or a Unix socket) log in as a
// database user? Used for a matched rule with method cert or peer, or with clientcert=verify-full.
// Source: PostgreSQL, src/backend/libpq/hba.c, check_usermap() and check_ident_usermap().
#pragma once

#include "proxy/hba/evaluate/evaluation.h"
#include "proxy/hba/rule.h"

#include <string>
#include <string_view>
#include <variant>

namespace pgmoat::hba {

struct MayBe {};
struct MayNotBe {
    std::string reason; // for the log, in PostgreSQL's words
};
using Mapping = std::variant<MayBe, MayNotBe, Question>;

// Without a map the two names must be equal.
[[nodiscard]] Mapping map_user(const Rules& rules,
                               const std::string& map,
                               const std::string& system_user,
                               const std::string& user,
                               const Answers& known);

} // namespace pgmoat::hba
