// Bounds for rules, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pgmoat::hba::limits {

// Names have at most 63 bytes and certificate names a few hundred: a longer expression is a
// generated list, which belongs in an @file.
inline constexpr std::size_t regex_bytes_max = 1000;

// Memory for the program and caches of one expression. RE2's default of 8 MB would be gigabytes
// with a thousand rules; with this limit an expression that outgrows its cache is slower, but still
// linear.
inline constexpr std::int64_t regex_memory_max = std::int64_t{1} << 18;

// PostgreSQL's DUPMAX (regguts.h): the largest repeat count.
inline constexpr int regex_repeat_max = 255;

// The setting max_connections has the same maximum.
inline constexpr int connections_max = 262'143;

// RFC 1035: a host name, and therefore an SNI name.
inline constexpr std::size_t server_name_bytes_max = 253;

// How many rules of a file are compared with each other for warnings: a million comparisons, a few
// milliseconds at load. Files with more rules are generated.
inline constexpr std::size_t compared_rules_max = 1500;

} // namespace pgmoat::hba::limits
