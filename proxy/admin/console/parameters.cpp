#include "proxy/admin/console/parameters.h"

#include "proxy/config/text.h"

#include <array>

namespace pgmoat::admin {

namespace {

// `told` ones are in a ParameterStatus at login. SET changes none of them, but drivers set them
// before their first statement, to what they are or to what makes no difference here.
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
    Parameter{"server_version_num", "180000", shown},
    Parameter{"transaction_isolation", "read committed", shown},
    Parameter{"transaction_read_only", "off", shown},
    Parameter{"application_name", "", settable},
    Parameter{"extra_float_digits", "1", settable},
    Parameter{"bytea_output", "hex", settable},
    Parameter{"client_min_messages", "notice", settable},
    Parameter{"statement_timeout", "0", settable},
    Parameter{"lock_timeout", "0", settable},
    Parameter{"idle_in_transaction_session_timeout", "0", settable},
    Parameter{"search_path", "\"$user\", public", settable},
};

} // namespace

std::span<const Parameter> all_parameters() noexcept {
    return parameters;
}

const Parameter* find_parameter(std::string_view name) {
    for (const Parameter& parameter : parameters)
        if (config::lower_case(parameter.name) == config::lower_case(name)) return &parameter;
    return nullptr;
}

} // namespace pgmoat::admin
