// The rows behind SHOW and SELECT. The columns of a view are known before its rows: a driver asks
// for them first.
#pragma once

#include "proxy/admin/console/backend.h"
#include "proxy/admin/console/statement.h"
#include "proxy/admin/console/table.h"

#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::admin {

// None: the statement gives no rows.
[[nodiscard]] std::vector<Column> columns_of(const Statement& statement);
// `user`: who asks.
[[nodiscard]] std::vector<Row>
rows_of(const Statement& statement, const std::string& user, const Backend& backend);

} // namespace pgmoat::admin
