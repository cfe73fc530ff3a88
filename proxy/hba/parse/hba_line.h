// One line of pg_hba.conf as a rule: record type, names, address, method, options. Whether a
// listener can evaluate the rule is checked in listener_checks. Called by hba_file. Source:
// PostgreSQL, src/backend/libpq/hba.c, parse_hba_line().
#pragma once

#include "proxy/config/table_file.h"
#include "proxy/hba/parse/hba_file.h"
#include "proxy/hba/parse/line_error.h"
#include "proxy/hba/rule.h"

#include <variant>

namespace pgmoat::hba {

// `line` must have fields.
[[nodiscard]] std::variant<Rule, LineError> parse_hba_line(const config::TableLine& line,
                                                           const HbaContext& context);

} // namespace pgmoat::hba
