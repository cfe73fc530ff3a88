// Every bound of protocol/, each with its reason. Nothing here is configurable: PostgreSQL's own
// limits are not either, and the rest bounds the memory that a peer can make us spend.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pgmoat::protocol {

// PostgreSQL, src/backend/tcop/backend_startup.c: the length word counts itself and the code, and
// MAX_STARTUP_PACKET_LENGTH (pqcomm.h) is 10000 bytes behind the length word.
inline constexpr std::int32_t startup_length_min = 8;
inline constexpr std::int32_t startup_length_max = 10'004;

// PostgreSQL 18, pqcomm.h: CancelRequest carries a key of 1 to MAX_CANCEL_KEY_LENGTH bytes behind
// the length, the code and the process id.
inline constexpr std::size_t cancel_key_bytes_min = 1;
inline constexpr std::size_t cancel_key_bytes_max = 256;

// NAMEDATALEN - 1: PostgreSQL cuts user and database to this before it matches or prints them.
inline constexpr std::size_t name_bytes_max = 63;

// OpenSSL's own limit for a ClientHello (SSL3_RT_MAX_PLAIN_LENGTH * 8 + 4 and its extensions,
// ssl/statem/statem_local.h CLIENT_HELLO_MAX_LENGTH): what no server of the field accepts, we need
// not hold either.
inline constexpr std::size_t client_hello_bytes_max = 131'396;

// OpenSSL's SERVER_HELLO_MAX_LENGTH: a ServerHello is small; more is nonsense or an attack.
inline constexpr std::size_t server_hello_bytes_max = 65'607;

// libpq (fe-connect.c) takes authentication requests of up to 2000 bytes and errors of up to
// 30000 before login. The observer needs to hold the whole message of these kinds only.
inline constexpr std::size_t authentication_message_bytes_max = 65'536;
inline constexpr std::size_t login_error_bytes_max = 30'000;

} // namespace pgmoat::protocol
