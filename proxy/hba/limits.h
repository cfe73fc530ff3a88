// Bounds of what rules may cost, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pgmoat::hba::limits {

// Names are at most 63 bytes and certificate names a few hundred: a longer expression is generated
// text, and belongs into a file named with @.
inline constexpr std::size_t regex_bytes_max = 1000;

// Program and caches of one expression. RE2's default of 8 MB would be gigabytes with a thousand
// rules; with this one an expression that outgrows its cache is slower, still linear.
inline constexpr std::int64_t regex_memory_max = std::int64_t{1} << 18;

// PostgreSQL's DUPMAX (regguts.h): the largest count in a bound.
inline constexpr int regex_repeat_max = 255;

// max_connections as a setting goes to the same number.
inline constexpr int connections_max = 262'143;

// RFC 1035: a host name, and so an SNI name.
inline constexpr std::size_t server_name_bytes_max = 253;

// Rules of a file that are compared with each other for warnings: a million comparisons, some
// milliseconds at a load. Files with more are made by programs.
inline constexpr std::size_t compared_rules_max = 1500;

} // namespace pgmoat::hba::limits
