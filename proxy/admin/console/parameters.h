// The parameters of a session: those sent at login, the results of SHOW and current_setting(), and
// what SET accepts. The settings of the configuration can be shown, too.
#pragma once

#include "proxy/admin/console/table.h"
#include "proxy/config/config.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pgmoat::admin {

struct Parameter {
    std::string_view name;  // in PostgreSQL's spelling
    std::string_view value; // at login
    // `told` ones are in a ParameterStatus at login and, as `shown` ones, cannot be set to anything
    // else. `settable` ones are kept and shown: nothing here depends on them.
    enum class Kind { told, shown, settable } kind;
};

// Set in this session: names in the table's spelling, and values.
using SessionParameters = std::vector<std::pair<std::string, std::string>>;

[[nodiscard]] std::span<const Parameter> all_parameters() noexcept;
// Case-insensitive; nullptr: unknown.
[[nodiscard]] const Parameter* find_parameter(std::string_view name);

// The result of SHOW; nothing: neither a parameter nor a setting.
[[nodiscard]] std::optional<std::string>
shown_value(std::string_view name, const SessionParameters& session, const config::Config& config);
// In the table's spelling, for the column name of SHOW.
[[nodiscard]] std::string spelled(std::string_view name);

// Nothing: it may be set to this value.
[[nodiscard]] std::optional<SqlError> refuse_to_set(std::string_view name, std::string_view value);
void set_parameter(SessionParameters& session, std::string_view name, std::string_view value);
void reset_parameter(SessionParameters& session, std::string_view name);

[[nodiscard]] SqlError unrecognized_parameter(std::string_view name);

} // namespace pgmoat::admin
