// Passwords as PostgreSQL and libpq hash them: RFC 4013 where it applies, else the bytes as they
// are (PostgreSQL, src/common/saslprep.c). The only place that knows libidn.
#pragma once

#include <string>
#include <string_view>

namespace pgmoat::config {

// ASCII, invalid UTF-8 and passwords with characters that RFC 4013 prohibits stay as they are.
[[nodiscard]] std::string saslprep(std::string_view password);

} // namespace pgmoat::config
