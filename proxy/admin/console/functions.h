// The functions that drivers and health checks ask for before anything else: `SELECT version()`,
// `SELECT current_user`. One table; nothing else can be called.
#pragma once

#include <string>
#include <string_view>

namespace pgmoat::admin {

struct Function {
    std::string_view name; // also of its column
    enum class Parentheses { none, needed, optional } parentheses;
    std::string_view value; // empty: the user's name
};

// In lower case; nullptr: there is none.
[[nodiscard]] const Function* find_function(std::string_view name) noexcept;

[[nodiscard]] std::string value_of(const Function& function, const std::string& user);

} // namespace pgmoat::admin
