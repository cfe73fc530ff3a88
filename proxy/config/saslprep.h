// Passwords as PostgreSQL and libpq hash them: RFC 4013 where it applies, else unchanged
// (PostgreSQL, src/common/saslprep.c). The only file that uses libidn.
#pragma once

#include <string>
#include <string_view>

namespace pgmoat::config {

// ASCII, invalid UTF-8 and passwords with characters that RFC 4013 prohibits stay as they are.
[[nodiscard]] std::string saslprep(std::string_view password);

} // namespace pgmoat::config
