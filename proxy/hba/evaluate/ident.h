// pg_ident.conf at work: may a system user (of a certificate, of a unix socket) log in as a
// database user? Used at a matched rule with the method cert or peer, or clientcert=verify-full.
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

// Without a map both names must be equal.
[[nodiscard]] Mapping map_user(const Rules& rules,
                               const std::string& map,
                               const std::string& system_user,
                               const std::string& user,
                               const Answers& known);

} // namespace pgmoat::hba
