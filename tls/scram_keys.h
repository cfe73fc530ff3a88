// The digests and random bytes that a SCRAM-SHA-256 exchange needs (RFC 7677), in plain types.
// Throws only std::bad_alloc.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace pgmoat::tls {

using Sha256 = std::array<std::uint8_t, 32>;

[[nodiscard]] Sha256 sha256(std::span<const std::uint8_t> bytes);
[[nodiscard]] Sha256 hmac_sha256(std::span<const std::uint8_t> key,
                                 std::span<const std::uint8_t> bytes);
// Takes the same time wherever the bytes differ. Lengths are not secret.
[[nodiscard]] bool equal_in_constant_time(std::span<const std::uint8_t> left,
                                          std::span<const std::uint8_t> right);
[[nodiscard]] std::vector<std::uint8_t> random_bytes(std::size_t count);
// Overwrites keys and passwords; the compiler cannot remove it (OPENSSL_cleanse).
void wipe(std::span<std::uint8_t> bytes);

// The keys derived from a password (RFC 5802, section 3). A server keeps `stored` and `server`; a
// client logs in with `client`, which the caller must wipe. Each iteration costs two digests. The
// password is used byte for byte: the caller has applied SASLprep.
struct ScramKeys {
    Sha256 stored;
    Sha256 server;
    Sha256 client;
};
[[nodiscard]] ScramKeys derive_scram_keys(std::string_view password,
                                          std::span<const std::uint8_t> salt,
                                          std::uint32_t iterations);

} // namespace pgmoat::tls
