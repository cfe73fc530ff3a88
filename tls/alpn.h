// Names in ALPN: PostgreSQL's (protocol documentation, "SSL Session Encryption"), and HTTP's for
// our own pages.
#pragma once

#include <string_view>

namespace pgmoat::tls {

inline constexpr std::string_view alpn_name = "postgresql";
inline constexpr std::string_view alpn_http = "http/1.1";

} // namespace pgmoat::tls
