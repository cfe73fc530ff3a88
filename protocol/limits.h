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

// libpq (fe-connect.c) takes authentication requests of up to 2000 bytes. The observer needs to hold
// the whole message. Like every bound on a typed message this is its length word, which counts
// itself.
inline constexpr std::size_t authentication_message_bytes_max = 65'536;

// Of an ErrorResponse this much is held and read, as libpq does; the rest of a longer one (a text
// that names a long query, a translated one) passes as it comes.
inline constexpr std::size_t login_error_bytes_max = 30'000;

// PostgreSQL offers two SASL mechanisms, three with OAuth. Each that we note costs a string, so
// 64 KB of one-letter names would cost a megabyte.
inline constexpr std::size_t sasl_mechanisms_max = 32;

// PostgreSQL protocol, "BackendKeyData": keys of 4 to 256 bytes.
inline constexpr std::size_t backend_key_bytes_min = 4;
inline constexpr std::size_t backend_key_bytes_max = 256;

// NegotiateProtocolVersion names options that stood in the startup packet, and two numbers.
inline constexpr std::size_t version_negotiation_bytes_max = startup_length_max + 12;

// ParameterStatus, NoticeResponse and the rest of an ErrorResponse pass through unheld. A value or a notice that a login produces
// is a line or a page; a larger one during login is a server that we lost track of.
inline constexpr std::size_t login_status_bytes_max = 1'048'576;

// OpenSSL's MAX_EMPTY_RECORDS, counted over a whole reading: no client of the field sends one, and
// each makes us work without a byte of a message coming nearer.
inline constexpr unsigned empty_tls_records_max = 32;

// libpq offers one ALPN protocol, browsers three. Each that we note costs a string, and 64 KB of
// one-letter names would cost a megabyte.
inline constexpr std::size_t alpn_protocols_max = 64;

// Of a TLS 1.2 server's first flight up to ServerKeyExchange. Nothing but the ServerHello is held;
// this ends the reading of a flight that never comes to the point. OpenSSL's clients take chains of
// up to 102400 bytes (SSL_MAX_CERT_LIST_DEFAULT) and an OCSP answer of 16384.
inline constexpr std::size_t server_flight_bytes_max = 262'144;

// PostgreSQL, libpq.h: PQ_LARGE_MESSAGE_LIMIT, one byte below MaxAllocSize. No message of either
// side can be longer, so what says it is longer is no message.
inline constexpr std::uint32_t message_length_max = 0x3fff'fffe;

// Of an ErrorResponse, where its SQLSTATE is looked for. Before it stand the severity in the
// server's language and once more in English, a word each.
inline constexpr std::uint8_t error_peek_bytes_max = 128;

// PostgreSQL reads SCRAM messages of up to 1024 bytes (auth-sasl.c, PG_MAX_SASL_MESSAGE_LENGTH).
inline constexpr std::size_t scram_message_bytes_max = 1'024;

// As the length word of a frame counts it: PostgreSQL compares the limit above with that.
inline constexpr std::uint32_t scram_frame_length_max = 1'024;

// Of a server: PostgreSQL's nonce has 24 characters, its salt 16 bytes. With our own nonce and a
// salt of scram_salt_bytes_max the message still fits, and so does the answer to it, which repeats
// the nonce.
inline constexpr std::size_t scram_server_message_bytes_max = 1'024;
inline constexpr std::size_t scram_server_nonce_bytes_max = 256;

// The client computes them, at each login; PostgreSQL's default is 4096.
inline constexpr std::uint32_t scram_iterations_max = 10'000'000;

// PostgreSQL's salts have 16 bytes (SCRAM_DEFAULT_SALT_LEN); a longer one than this would not fit
// into a message.
inline constexpr std::size_t scram_default_salt_bytes = 16;
inline constexpr std::size_t scram_salt_bytes_max = 256;

// PROXY protocol, version 1: "the maximum line lengths the receiver must support including the CRLF"
// is 107 characters.
inline constexpr std::size_t proxy_line_bytes_max = 107;

// PROXY protocol, version 2: 16 bytes, 216 for unix addresses, and what proxies add about TLS. The
// length field could say 64 KB; a header is meant to fit into one segment, and no sender of the
// field comes near 4 KB.
inline constexpr std::size_t proxy_header_bytes_max = 4'096;
inline constexpr std::size_t proxy_tlvs_max = 64;

// "An opaque byte sequence of up to 128 bytes"; names and algorithms: a DNS name has 253 bytes, the
// common names that certificates carry are shorter.
inline constexpr std::size_t proxy_unique_id_bytes_max = 128;
inline constexpr std::size_t proxy_tlv_text_bytes_max = 255;

} // namespace pgmoat::protocol
