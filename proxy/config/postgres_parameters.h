// Parameters of PostgreSQL 15 to 18 that pgmoat does not have. Most only cause a warning that they
// have no effect. Those that security may depend on are refused unless their value asks for what
// happens anyway.
#pragma once

#include <string>
#include <string_view>

namespace pgmoat::config {

// Any parameter of PostgreSQL 15 to 18, in lower case.
[[nodiscard]] bool is_postgres_parameter(std::string_view name) noexcept;

// Why `value` cannot be accepted. `parameter "hba_file" is not supported by this version of pgmoat:
// access rules are ...`
struct Refusal {
    bool listed = false; // one of the refused parameters
    std::string text;    // empty: the value is harmless
};
[[nodiscard]] Refusal refuse_unsupported(std::string_view name, const std::string& value);

} // namespace pgmoat::config
