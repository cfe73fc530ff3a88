// PostgreSQL's name in ALPN (protocol documentation, "SSL Session Encryption").
#pragma once

#include <string_view>

namespace pgmoat::tls {

inline constexpr std::string_view alpn_name = "postgresql";

} // namespace pgmoat::tls
