// The result of a console statement: rows of text with typed columns, or an error. Values are in
// PostgreSQL's text format.
#pragma once

#include "proxy/admin/console/types.h"

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::admin {

struct Column {
    std::string_view name;
    Type type = Type::text;
};

using Cell = std::optional<std::string>; // nothing: NULL
using Row = std::vector<Cell>;

struct SqlError {
    std::string_view sqlstate;
    std::string message;
    std::string hint = {};
};

inline Cell to_cell(std::string_view text) {
    return std::string(text);
}
// Of bool alone: a text literal would become one.
inline Cell to_cell(std::same_as<bool> auto value) {
    return value ? "t" : "f";
}
inline Cell to_cell(std::uint64_t value) {
    return std::to_string(value);
}
// Empty means unknown, and unknown is NULL.
inline Cell unless_empty(std::string_view text) {
    return text.empty() ? Cell() : Cell(std::string(text));
}

} // namespace pgmoat::admin
