#include "proxy/admin/console/functions.h"

#include "proxy/admin/console/console_login.h"

#include <algorithm>
#include <array>

namespace pgmoat::admin {

namespace {

using enum Function::Parentheses;
constexpr std::array functions{
    Function{"version", needed, "PostgreSQL 18.0 (pgmoat " PGMOAT_VERSION ")"},
    Function{"current_database", needed, console_database},
    Function{"current_catalog", none, console_database},
    Function{"current_schema", optional, "public"},
    Function{"current_user", none, {}},
    Function{"current_role", none, {}},
    Function{"session_user", none, {}},
    Function{"user", none, {}},
};

} // namespace

const Function* find_function(std::string_view name) noexcept {
    const auto* const found = std::ranges::find(functions, name, &Function::name);
    return found == functions.end() ? nullptr : found;
}

std::string value_of(const Function& function, const std::string& user) {
    return function.value.empty() ? user : std::string(function.value);
}

} // namespace pgmoat::admin
