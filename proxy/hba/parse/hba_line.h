// One line of pg_hba.conf as a rule: record type, names, address, method, options. What a listener
// cannot judge is not asked here but in listener_checks. Called by hba_file.
// Source: PostgreSQL, src/backend/libpq/hba.c, parse_hba_line().
#pragma once

#include "proxy/config/table_file.h"
#include "proxy/hba/parse/hba_file.h"
#include "proxy/hba/parse/line_error.h"
#include "proxy/hba/rule.h"

#include <variant>

namespace pgmoat::hba {

// `line` has fields.
[[nodiscard]] std::variant<Rule, LineError> parse_hba_line(const config::TableLine& line,
                                                           const HbaContext& context);

} // namespace pgmoat::hba
