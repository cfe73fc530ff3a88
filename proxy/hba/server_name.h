// sni= of a rule against the name that a client asks for.
#pragma once

#include "proxy/hba/rule.h"

#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::hba {

// The rule has no sni=, or it fits. A client that names no server fits none. Letter case does not
// count: an expression sees lower case. "*.example.com" stands for exactly one more label, as in
// certificates.
[[nodiscard]] bool matches_server_name(const Rule& rule, std::string_view name);

// What its expression has found in the name: the whole, then each group. Empty: it does not match.
[[nodiscard]] std::vector<std::string> groups_of_server_name(const Rule& rule,
                                                             std::string_view name);

} // namespace pgmoat::hba
