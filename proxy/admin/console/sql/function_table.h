// The functions that a statement may call: PostgreSQL's names, what they are called towards SQLite,
// and the type of what they give. What is not in this table does not exist.
#pragma once

#include "proxy/admin/console/types.h"

#include <string_view>

namespace pgmoat::admin::sql {

struct FunctionRow {
    std::string_view name;
    std::string_view sqlite; // the function that does it
    Type result;             // unknown: that of the first argument
    int arguments_min;
    int arguments_max;
    enum class Kind { scalar, aggregate, window } kind = Kind::scalar;
};

// In lower case; nullptr: there is none.
[[nodiscard]] const FunctionRow* find_function(std::string_view name) noexcept;

} // namespace pgmoat::admin::sql
