#include "proxy/admin/console/parameters.h"

#include "proxy/admin/console/config_rows.h"
#include "proxy/admin/console/limits.h"
#include "proxy/admin/console/suggest.h"
#include "proxy/config/settings.h"
#include "proxy/config/text.h"

#include <algorithm>
#include <array>

namespace pgmoat::admin {

namespace {

using config::in_quotes;
using config::lower_case;

using enum Parameter::Kind;
constexpr std::array parameters{
    Parameter{"server_version", "18.0 (pgmoat " PGMOAT_VERSION ")", told},
    Parameter{"server_encoding", "UTF8", told},
    Parameter{"client_encoding", "UTF8", told},
    Parameter{"DateStyle", "ISO, MDY", told},
    Parameter{"IntervalStyle", "postgres", told},
    Parameter{"TimeZone", "UTC", told},
    Parameter{"integer_datetimes", "on", told},
    Parameter{"standard_conforming_strings", "on", told},
    Parameter{"default_transaction_read_only", "off", told},
    Parameter{"in_hot_standby", "off", told},
    Parameter{"search_path", "\"$user\", public", told},
    Parameter{"server_version_num", "180000", shown},
    Parameter{"max_identifier_length", "63", shown},
    Parameter{"transaction_isolation", "read committed", settable},
    Parameter{"default_transaction_isolation", "read committed", settable},
    Parameter{"transaction_read_only", "off", settable},
    Parameter{"transaction_deferrable", "off", settable},
    Parameter{"default_transaction_deferrable", "off", settable},
    Parameter{"application_name", "", settable},
    Parameter{"extra_float_digits", "1", settable},
    Parameter{"bytea_output", "hex", settable},
    Parameter{"client_min_messages", "notice", settable},
    Parameter{"statement_timeout", "0", settable},
    Parameter{"lock_timeout", "0", settable},
    Parameter{"idle_in_transaction_session_timeout", "0", settable},
    Parameter{"idle_session_timeout", "0", settable},
    Parameter{"row_security", "on", settable},
    Parameter{"synchronous_commit", "on", settable},
    Parameter{"jit", "off", settable},
    Parameter{"work_mem", "4MB", settable},
    Parameter{"lc_messages", "C", settable},
    Parameter{"lc_monetary", "C", settable},
    Parameter{"lc_numeric", "C", settable},
    Parameter{"lc_time", "C", settable},
    Parameter{"quote_all_identifiers", "off", settable},
    Parameter{"xmloption", "content", settable},
};

// Values that do not change anything.
bool is_same(const Parameter& parameter, std::string_view value) {
    const std::string given = lower_case(value);
    const std::string own = lower_case(parameter.value);
    if (given == own || given == "default") return true;
    if (parameter.name == "client_encoding")
        return given == "utf8" || given == "utf-8" || given == "unicode";
    // Output is always ISO in UTC with the offset, which every DateStyle and time zone reads
    // correctly.
    if (parameter.name == "DateStyle")
        return given.starts_with("iso") || given == "mdy" || given == "dmy" || given == "ymd";
    if (parameter.name == "TimeZone" || parameter.name == "search_path") return true;
    if (own == "on") return given == "true" || given == "1" || given == "yes";
    if (own == "off") return given == "false" || given == "0" || given == "no";
    return false;
}

bool is_setting(std::string_view name) {
    for (const config::SettingRow& row : config::all_settings()) {
        const bool family = row.name.ends_with('.');
        if (family ? name.starts_with(row.name) : name == row.name) return true;
    }
    return false;
}

} // namespace

std::span<const Parameter> all_parameters() noexcept {
    return parameters;
}

const Parameter* find_parameter(std::string_view name) {
    for (const Parameter& parameter : parameters)
        if (config::equal_ignoring_case(parameter.name, name)) return &parameter;
    return nullptr;
}

std::string spelled(std::string_view name) {
    const Parameter* const parameter = find_parameter(name);
    return parameter ? std::string(parameter->name) : lower_case(name);
}

std::optional<std::string>
shown_value(std::string_view name, const SessionParameters& session, const config::Config& config) {
    const std::string own = spelled(name);
    const auto set = std::ranges::find(session, own, &SessionParameters::value_type::first);
    if (set != session.end()) return set->second;
    if (const Parameter* const parameter = find_parameter(name))
        return std::string(parameter->value);
    for (const Row& row : config_rows(config)) {
        if (row[0] != own) continue;
        return row[1] ? *row[1] : row[2].value_or("");
    }
    return std::nullopt;
}

std::optional<SqlError> refuse_to_set(std::string_view name, std::string_view value) {
    const std::string shown = in_quotes(spelled(name));
    const Parameter* const parameter = find_parameter(name);
    if (!parameter && is_setting(lower_case(name)))
        return SqlError{"55P02",
                        "parameter " + shown + " cannot be changed now",
                        "Change the configuration file, then RELOAD."};
    if (!parameter && name.find('.') != std::string_view::npos) return std::nullopt;
    if (!parameter) return unrecognized_parameter(name);
    if (parameter->kind == settable || is_same(*parameter, value)) return std::nullopt;
    if (parameter->name == "client_encoding")
        return SqlError{"22023",
                        "invalid value for parameter \"client_encoding\": " + in_quotes(value),
                        "The console's encoding is UTF8."};
    return SqlError{"55P02", "parameter " + shown + " cannot be changed"};
}

void set_parameter(SessionParameters& session, std::string_view name, std::string_view value) {
    const std::string own = spelled(name);
    const Parameter* const parameter = find_parameter(name);
    if (parameter && parameter->kind != settable) return; // is_same()
    if (lower_case(value) == "default") return reset_parameter(session, name);
    const auto found = std::ranges::find(session, own, &SessionParameters::value_type::first);
    if (found != session.end())
        found->second = std::string(value);
    else if (session.size() < limits::session_parameters_max)
        session.emplace_back(own, std::string(value));
}

void reset_parameter(SessionParameters& session, std::string_view name) {
    const std::string own = spelled(name);
    std::erase_if(session, [&](const auto& set) { return set.first == own; });
}

SqlError unrecognized_parameter(std::string_view name) {
    std::vector<std::string> names;
    for (const Parameter& parameter : parameters)
        names.push_back(lower_case(parameter.name));
    for (const config::SettingRow& row : config::all_settings())
        if (!row.name.ends_with('.')) names.emplace_back(row.name);
    const std::string nearest = nearest_of(lower_case(name), names);
    return {"42704",
            "unrecognized configuration parameter " + in_quotes(name),
            nearest.empty() ? std::string() : "Perhaps you meant " + in_quotes(nearest) + '.'};
}

} // namespace pgmoat::admin
