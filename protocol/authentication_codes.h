// The kinds of Authentication messages: AUTH_REQ_* of PostgreSQL's protocol.h. For those in protocol/
// that read or write them.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pgmoat::protocol {

inline constexpr std::uint32_t authentication_ok = 0;
inline constexpr std::uint32_t authentication_password = 3;
inline constexpr std::uint32_t authentication_md5 = 5;
inline constexpr std::uint32_t authentication_gss = 7;
inline constexpr std::uint32_t authentication_gss_continue = 8; // of SSPI too
inline constexpr std::uint32_t authentication_sspi = 9;
inline constexpr std::uint32_t authentication_sasl = 10;
inline constexpr std::uint32_t authentication_sasl_continue = 11;
inline constexpr std::uint32_t authentication_sasl_final = 12;
inline constexpr std::size_t authentication_code_bytes = 4;

} // namespace pgmoat::protocol
