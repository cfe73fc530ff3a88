// The keywords of libpq 15 to 18, and how each is treated in an upstream's connection string; three
// more are pgmoat's own. Used by conninfo.cpp only.
#pragma once

#include <string_view>

namespace pgmoat::config {

struct ConninfoOption {
    std::string_view keyword;
    // Empty: the keyword is honoured. Otherwise it is refused for this reason ...
    std::string_view refused_because;
    // ... except with these values (separated by commas), which ask for what happens anyway ...
    std::string_view harmless_values;
    // ... and these are libpq's other values; anything else is invalid in libpq, too. Empty: libpq
    // does not check the value.
    std::string_view refused_values;
};

// nullptr: not a keyword of libpq.
[[nodiscard]] const ConninfoOption* find_conninfo_option(std::string_view keyword) noexcept;

} // namespace pgmoat::config
