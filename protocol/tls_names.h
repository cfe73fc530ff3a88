// Names for TLS code points, as OpenSSL and therefore pg_stat_ssl use them. They also become metric
// labels, so all unknown code points have one name. Included by tls_hello.h. Source: IANA TLS
// registries; `openssl ciphers -V ALL:COMPLEMENTOFALL` of OpenSSL 3.0.
#pragma once

#include <cstdint>
#include <string_view>

namespace pgmoat::protocol {

// "TLSv1.3", "TLS_AES_256_GCM_SHA384", "ECDHE-RSA-AES256-GCM-SHA384", "X25519", "prime256v1",
// "X25519MLKEM768". Unknown: "other".
[[nodiscard]] std::string_view tls_version_name(std::uint16_t version) noexcept;
[[nodiscard]] std::string_view cipher_suite_name(std::uint16_t suite) noexcept;
[[nodiscard]] std::string_view group_name(std::uint16_t group) noexcept;

// The suite's cipher bits as pg_stat_ssl shows them: 256 for AES-256 and ChaCha20. 0: a NULL
// cipher, or an unknown suite.
[[nodiscard]] int cipher_suite_bits(std::uint16_t suite) noexcept;

// Whether ServerKeyExchange begins with a curve: ECDHE and anonymous ECDH below TLS 1.3. (With a
// pre-shared key it begins with a hint, with DHE with a prime.)
[[nodiscard]] bool key_exchange_names_a_curve(std::uint16_t suite) noexcept;

} // namespace pgmoat::protocol
