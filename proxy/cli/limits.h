// What `pgmoat check` finds worth a warning, each with its reason.
#pragma once

#include <chrono>

namespace pgmoat::cli {

// `pgmoat check`: automatic renewal of a certificate of ninety days comes a month before its
// end, so three weeks mean that it did not come; RSA below 2048 bits is refused by default since
// OpenSSL's security level 2.
inline constexpr std::chrono::seconds expiry_warning{std::chrono::hours{24 * 21}};
inline constexpr int rsa_bits_min = 2048;

} // namespace pgmoat::cli
