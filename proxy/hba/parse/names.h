// Parses a token of a database or user list. Called by the parsers of both files. Source:
// PostgreSQL, src/backend/libpq/hba.c, check_db(), check_role() and regcomp_auth_token().
#pragma once

#include "proxy/config/table_file.h"
#include "proxy/hba/parse/line_error.h"
#include "proxy/hba/rule.h"

#include <string>
#include <variant>

namespace pgmoat::hba {

using ParsedName = std::variant<NameMatch, LineError>;

[[nodiscard]] ParsedName parse_database(const config::TableToken& token);
[[nodiscard]] ParsedName parse_user(const config::TableToken& token);

// As written in the file, without quotes but with its `/` or `+`.
[[nodiscard]] std::string text_of(const NameMatch& name);

} // namespace pgmoat::hba
