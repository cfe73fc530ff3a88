// Every bound of tls/, with its reason.
#pragma once

#include <cstddef>

namespace pgmoat::tls {

// KeyUpdates and refused renegotiations that a peer may send in one second. Each makes us derive
// keys or answer, for 26 bytes of theirs, and data between them makes that no cheaper. Real peers
// send one in a long while.
inline constexpr unsigned no_progress_messages_per_second = 100;

// How much of a certificate's name stands in a message: enough for "/CN=" and a common name of the
// longest kind (64). PostgreSQL: be-secure-openssl.c, prepare_cert_name().
inline constexpr std::size_t logged_name_bytes_max = 71;

// The same for a host name: DNS allows no longer one.
inline constexpr std::size_t logged_host_bytes_max = 255;

// DNS: a name without its root dot, and one label of it (RFC 1035).
inline constexpr std::size_t host_name_bytes_max = 253;
inline constexpr std::size_t host_label_bytes_max = 63;

// A common name (RFC 5280, ub-common-name).
inline constexpr std::size_t common_name_characters_max = 64;

// A private key file. The largest that OpenSSL makes, RSA of 16,384 bits with text around it, has
// 15 KB.
inline constexpr std::size_t key_file_bytes_max = std::size_t{256} * 1024;

// What of a PEM file is looked at to say what it holds.
inline constexpr std::size_t pem_bytes_looked_at = std::size_t{64} * 1024;

} // namespace pgmoat::tls
