// SHOW CONFIG: every setting with its value, its default, what a change needs, and where the value
// stands. Secrets are replaced.
#pragma once

#include "proxy/admin/console/table.h"
#include "proxy/config/config.h"

#include <array>
#include <string>
#include <vector>

namespace pgmoat::admin {

inline constexpr std::array config_columns{
    Column{"name"},
    Column{"value"},
    Column{"default"},
    Column{"change"}, // reload or restart
    Column{"file"},
    Column{"line", Type::int4},
};

[[nodiscard]] std::vector<Row> config_rows(const config::Config& config);

} // namespace pgmoat::admin
