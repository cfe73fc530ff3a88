// The parameters of a session, as drivers and people look at them and set them: what is sent at
// login, what SHOW and current_setting() answer, and what SET takes. The settings of the
// configuration are shown here as well, under their names.
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

// Set in this session, by name; the name is in the spelling of the table.
using SessionParameters = std::vector<std::pair<std::string, std::string>>;

[[nodiscard]] std::span<const Parameter> all_parameters() noexcept;
// In any letter case; nullptr: there is none.
[[nodiscard]] const Parameter* find_parameter(std::string_view name);

// What SHOW answers; nothing: there is no such parameter and no such setting.
[[nodiscard]] std::optional<std::string>
shown_value(std::string_view name, const SessionParameters& session, const config::Config& config);
// In its own spelling, for the column of SHOW.
[[nodiscard]] std::string spelled(std::string_view name);

// Nothing: it may be set to this.
[[nodiscard]] std::optional<SqlError> refuse_to_set(std::string_view name, std::string_view value);
void set_parameter(SessionParameters& session, std::string_view name, std::string_view value);
void reset_parameter(SessionParameters& session, std::string_view name);

[[nodiscard]] SqlError unrecognized_parameter(std::string_view name);

} // namespace pgmoat::admin
