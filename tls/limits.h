// Every bound of tls/, with its reason.
#pragma once

#include <cstddef>

namespace pgmoat::tls {

// KeyUpdates and refused renegotiations that a peer may send in one second. Each costs the peer 26
// bytes and makes us derive keys or answer. Data sent in between does not reset the count. Real
// peers send one only rarely.
inline constexpr unsigned no_progress_messages_per_second = 100;

// How much of a certificate's name a message shows: enough for "/CN=" and a common name of the
// longest kind (64). PostgreSQL: be-secure-openssl.c, prepare_cert_name().
inline constexpr std::size_t logged_name_bytes_max = 71;

// The same for a host name: no DNS name is longer.
inline constexpr std::size_t logged_host_bytes_max = 255;

// DNS: a name without its root dot, and one label of it (RFC 1035).
inline constexpr std::size_t host_name_bytes_max = 253;
inline constexpr std::size_t host_label_bytes_max = 63;

// A common name (RFC 5280, ub-common-name).
inline constexpr std::size_t common_name_characters_max = 64;

// The size of a private key file. The largest that OpenSSL makes, RSA with 16,384 bits and
// comments, has 15 KB.
inline constexpr std::size_t key_file_bytes_max = std::size_t{256} * 1024;

// How much of a PEM file is read to find out what it contains.
inline constexpr std::size_t pem_bytes_looked_at = std::size_t{64} * 1024;

} // namespace pgmoat::tls
