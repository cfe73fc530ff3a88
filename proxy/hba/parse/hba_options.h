// The options behind the method of an access rule, PostgreSQL's: which there are, with which method
// and which value. Our own are in own_options. Called by hba_line.
// Source: PostgreSQL, src/backend/libpq/hba.c, parse_hba_auth_opt() and the end of
// parse_hba_line().
#pragma once

#include "proxy/hba/parse/line_error.h"
#include "proxy/hba/rule.h"

#include <string>

namespace pgmoat::hba {

// Takes one `name=value` of PostgreSQL's into the rule, whose type and method are known.
[[nodiscard]] Complaint take_option(Rule& rule, const std::string& name, const std::string& value);

// What can be said once all options are known.
[[nodiscard]] Complaint check_options(const Rule& rule);

} // namespace pgmoat::hba
