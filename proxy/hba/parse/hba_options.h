// PostgreSQL's options after the method of an access rule: which exist, for which methods, with
// which values. Our own are in own_options. Called by hba_line. Source: PostgreSQL,
// src/backend/libpq/hba.c, parse_hba_auth_opt() and the end of parse_hba_line().
#pragma once

#include "proxy/hba/parse/line_error.h"
#include "proxy/hba/rule.h"

#include <string>

namespace pgmoat::hba {

// Stores one `name=value` of PostgreSQL's in the rule, whose type and method are known.
[[nodiscard]] Complaint take_option(Rule& rule, const std::string& name, const std::string& value);

// Checks that need all options.
[[nodiscard]] Complaint check_options(const Rule& rule);

} // namespace pgmoat::hba
