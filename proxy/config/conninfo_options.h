// The keywords of libpq 15 to 18, and what becomes of each in an upstream's connection string; three
// more are our own. Read by conninfo.cpp alone.
#pragma once

#include <string_view>

namespace pgmoat::config {

struct ConninfoOption {
    std::string_view keyword;
    // Empty: the keyword is honoured. Else it is refused with this reason ...
    std::string_view refused_because;
    // ... but for these values (between commas), which ask for what happens anyway ...
    std::string_view harmless_values;
    // ... and these are the other values that libpq knows; anything else is invalid to libpq, too.
    // Empty: libpq does not look at the value.
    std::string_view refused_values;
};

// nullptr: libpq knows no such keyword.
[[nodiscard]] const ConninfoOption* find_conninfo_option(std::string_view keyword) noexcept;

} // namespace pgmoat::config
