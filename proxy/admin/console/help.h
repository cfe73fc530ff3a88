// SHOW HELP: what can be shown and done.
#pragma once

#include "proxy/admin/console/table.h"

#include <array>
#include <span>
#include <string_view>
#include <vector>

namespace pgmoat::admin {

inline constexpr std::array help_columns{Column{"statement"}, Column{"description"}};

// What SHOW lists: a relation of the schema public, by its word.
struct View {
    std::string_view word;     // in lower case
    std::string_view relation; // that it shows
    std::string_view help;     // empty: a synonym for one that HELP lists
};
[[nodiscard]] std::span<const View> all_views() noexcept;

[[nodiscard]] std::vector<Row> help_rows();

} // namespace pgmoat::admin
