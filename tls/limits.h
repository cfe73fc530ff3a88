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

} // namespace pgmoat::tls
