// Compares sni= of a rule with the name that a client asks for.
#pragma once

#include "proxy/hba/rule.h"

#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::hba {

// True if the rule has no sni=, or if that matches. A client that sends no name matches none.
// Case-insensitive: an expression is applied to the name in lower case. "*.example.com" stands for
// exactly one more label, as in certificates.
[[nodiscard]] bool matches_server_name(const Rule& rule, std::string_view name);

// What its expression matched: the whole match, then each group. Empty: it does not match.
[[nodiscard]] std::vector<std::string> groups_of_server_name(const Rule& rule,
                                                             std::string_view name);

} // namespace pgmoat::hba
