// What `pgmoat check` finds worth a warning, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>

namespace pgmoat::cli {

// `pgmoat check`: automatic renewal of a certificate of ninety days comes a month before its
// end, so three weeks mean that it did not come; RSA below 2048 bits is refused by default since
// OpenSSL's security level 2.
inline constexpr std::chrono::seconds expiry_warning{std::chrono::hours{24 * 21}};
inline constexpr int rsa_bits_min = 2048;

// `pgmoat check --explain`: clients tried for one table, and ways to guess what the rules would ask
// for. Files that tell more apart are files of thousands of rules, of which the table then shows a
// part.
inline constexpr std::size_t client_classes_max = 2000;
inline constexpr std::size_t guesses_max = 50;

// RFC 5280, ub-common-name. Host names are ASCII.
inline constexpr std::size_t common_name_bytes_max = 64;

} // namespace pgmoat::cli
