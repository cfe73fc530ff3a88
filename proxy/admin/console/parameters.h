// The session parameters that drivers look at or set: constants here. What is told at login, what
// SHOW answers, and what SET is let through, from one table.
#pragma once

#include <span>
#include <string_view>

namespace pgmoat::admin {

struct Parameter {
    std::string_view name;  // in PostgreSQL's spelling
    std::string_view value; // fixed
    enum class Kind { told, shown, settable } kind;
};

[[nodiscard]] std::span<const Parameter> all_parameters() noexcept;
// In any letter case; nullptr: there is none.
[[nodiscard]] const Parameter* find_parameter(std::string_view name);

} // namespace pgmoat::admin
