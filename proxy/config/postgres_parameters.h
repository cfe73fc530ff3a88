// The names that a postgresql.conf of PostgreSQL 15 to 18 may hold and that mean nothing here. Most
// have no effect, which is one warning each; those that security may depend on are refused unless
// their value asks for what happens anyway.
#pragma once

#include <string>
#include <string_view>

namespace pgmoat::config {

// Any parameter of PostgreSQL 15, 16, 17 or 18, in lower case.
[[nodiscard]] bool is_postgres_parameter(std::string_view name) noexcept;

// Why `value` cannot be accepted; empty: the parameter is not one of those.
// `parameter "hba_file" is not supported by this version of pgmoat: access rules are ...`
struct Refusal {
    bool listed = false; // the name is one of these parameters
    std::string text;    // empty: the value is harmless
};
[[nodiscard]] Refusal refuse_unsupported(std::string_view name, const std::string& value);

} // namespace pgmoat::config
