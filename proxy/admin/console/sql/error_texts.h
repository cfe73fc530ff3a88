// SQLite's messages about what a client wrote, in PostgreSQL's words and with its SQLSTATE.
// What SQLite says in no form that is known here is told as it is.
#pragma once

#include "proxy/admin/console/table.h"

#include <string_view>

namespace pgmoat::admin::sql {

// `code` is one of SQLite's, extended or not.
[[nodiscard]] SqlError translate_error(int code, std::string_view message);

} // namespace pgmoat::admin::sql
