// LIKE as PostgreSQL has it. Linear for patterns with one %, and never worse than the product of
// both lengths.
#pragma once

#include <cstddef>
#include <string_view>

namespace pgmoat::admin::sql {

// `escape`: NUL for none.
[[nodiscard]] bool is_like(std::string_view text, std::string_view pattern, char escape) noexcept;
[[nodiscard]] bool ends_in_escape(std::string_view pattern, char escape) noexcept;

} // namespace pgmoat::admin::sql
