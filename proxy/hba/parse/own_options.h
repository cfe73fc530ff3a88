// The options that PostgreSQL does not have: tls_min, tls_ciphers, tls_groups, sni, upstream and
// max_connections. Each may be given once. Called by hba_line; README.md says what they mean.
#pragma once

#include "proxy/hba/parse/hba_file.h"
#include "proxy/hba/parse/line_error.h"
#include "proxy/hba/rule.h"

#include <string>
#include <string_view>

namespace pgmoat::hba {

[[nodiscard]] bool is_own_option(std::string_view name) noexcept;

// Stores `name=value` in the rule, whose type, method and earlier options are known.
[[nodiscard]] Complaint take_own_option(Rule& rule,
                                        const HbaContext& context,
                                        const std::string& name,
                                        const std::string& value);

} // namespace pgmoat::hba
