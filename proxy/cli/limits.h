// What `pgmoat check` finds worth a warning, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>

namespace pgmoat::cli {

// `pgmoat check`: a ninety-day certificate is normally renewed a month before it expires, so with
// three weeks left the renewal has failed. OpenSSL's security level 2, the usual default, refuses
// RSA below 2048 bits.
inline constexpr std::chrono::seconds expiry_warning{std::chrono::hours{24 * 21}};
inline constexpr int rsa_bits_min = 2048;

// `pgmoat check --explain`: clients tried for one table, and combinations of guesses. Only files
// with thousands of rules distinguish more; then the table is incomplete.
inline constexpr std::size_t client_classes_max = 2000;
inline constexpr std::size_t guesses_max = 50;

// RFC 5280, ub-common-name. The limit is in characters; host names are ASCII.
inline constexpr std::size_t common_name_bytes_max = 64;

} // namespace pgmoat::cli
