// Every bound of protocol/, each with its reason. Nothing here is configurable: neither are
// PostgreSQL's own limits, and the others bound the memory that a peer can make us use.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pgmoat::protocol {

// PostgreSQL, src/backend/tcop/backend_startup.c: the length word counts itself and the code, and
// MAX_STARTUP_PACKET_LENGTH (pqcomm.h) is 10000 bytes after the length word.
inline constexpr std::int32_t startup_length_min = 8;
inline constexpr std::int32_t startup_length_max = 10'004;

// PostgreSQL 18, pqcomm.h: CancelRequest has a key of 1 to MAX_CANCEL_KEY_LENGTH bytes after the
// length, the code and the process id.
inline constexpr std::size_t cancel_key_bytes_min = 1;
inline constexpr std::size_t cancel_key_bytes_max = 256;

// NAMEDATALEN - 1: PostgreSQL cuts user and database to this before it matches or prints them.
inline constexpr std::size_t name_bytes_max = 63;

// OpenSSL's own limit for a ClientHello (SSL3_RT_MAX_PLAIN_LENGTH * 8 + 4 and its extensions,
// ssl/statem/statem_local.h CLIENT_HELLO_MAX_LENGTH): we need not buffer what no server accepts.
inline constexpr std::size_t client_hello_bytes_max = 131'396;

// OpenSSL's SERVER_HELLO_MAX_LENGTH: a ServerHello is small; more is nonsense or an attack.
inline constexpr std::size_t server_hello_bytes_max = 65'607;

// libpq (fe-connect.c) accepts authentication requests of up to 2000 bytes. The observer must
// buffer the whole message. Like every bound on a typed message this is its length word, which
// counts itself.
inline constexpr std::size_t authentication_message_bytes_max = 65'536;

// How much of an ErrorResponse is buffered and parsed, as in libpq; the rest of a longer one
// (because it quotes a long query, for example) is passed on unread.
inline constexpr std::size_t login_error_bytes_max = 30'000;

// PostgreSQL offers two SASL mechanisms, three with OAuth. Each one costs a string, so 64 KB of
// one-letter names would cost a megabyte.
inline constexpr std::size_t sasl_mechanisms_max = 32;

// PostgreSQL protocol, "BackendKeyData": keys of 4 to 256 bytes.
inline constexpr std::size_t backend_key_bytes_min = 4;
inline constexpr std::size_t backend_key_bytes_max = 256;

// NegotiateProtocolVersion has two numbers and names options from the startup packet.
inline constexpr std::size_t version_negotiation_bytes_max = startup_length_max + 12;

// ParameterStatus, NoticeResponse and the rest of an ErrorResponse are not buffered. During a login
// a value or notice is a line or a page; a larger length means that we have lost track of the
// message boundaries.
inline constexpr std::size_t login_status_bytes_max = 1'048'576;

// OpenSSL's MAX_EMPTY_RECORDS, here for all records of one hello: real clients send none, and each
// makes us work without bringing a byte of the message.
inline constexpr unsigned empty_tls_records_max = 32;

// libpq offers one ALPN protocol, browsers three. Each one costs a string, so 64 KB of one-letter
// names would cost a megabyte.
inline constexpr std::size_t alpn_protocols_max = 64;

// How much of a TLS 1.2 server's first flight is read to find ServerKeyExchange. Only the
// ServerHello is buffered; this bounds a flight that never gets there. OpenSSL's clients take
// chains of up to 102400 bytes (SSL_MAX_CERT_LIST_DEFAULT) and an OCSP answer of 16384.
inline constexpr std::size_t server_flight_bytes_max = 262'144;

// PostgreSQL, libpq.h: PQ_LARGE_MESSAGE_LIMIT, one byte below MaxAllocSize. No message of either
// side can be longer, so a larger length is invalid.
inline constexpr std::uint32_t message_length_max = 0x3fff'fffe;

// How much of an ErrorResponse is searched for its SQLSTATE, which comes after the severity in the
// server's language and in English, a word each.
inline constexpr std::uint8_t error_peek_bytes_max = 128;

// PostgreSQL reads SCRAM messages of up to 1024 bytes (auth-sasl.c, PG_MAX_SASL_MESSAGE_LENGTH).
inline constexpr std::size_t scram_message_bytes_max = 1'024;

// The limit above as a length word: PostgreSQL compares it with that.
inline constexpr std::uint32_t scram_frame_length_max = 1'024;

// A server's message: PostgreSQL's nonce has 24 characters, its salt 16 bytes. With our own nonce
// and a salt of scram_salt_bytes_max the message still fits, and so does the answer to it, which
// repeats the nonce.
inline constexpr std::size_t scram_server_message_bytes_max = 1'024;
inline constexpr std::size_t scram_server_nonce_bytes_max = 256;

// The client computes these at each login; PostgreSQL's default is 4096.
inline constexpr std::uint32_t scram_iterations_max = 10'000'000;

// PostgreSQL's salts have 16 bytes (SCRAM_DEFAULT_SALT_LEN); a salt longer than
// scram_salt_bytes_max would not fit into a message.
inline constexpr std::size_t scram_default_salt_bytes = 16;
inline constexpr std::size_t scram_salt_bytes_max = 256;

// PROXY protocol, version 1: "the maximum line lengths the receiver must support including the
// CRLF" are at most 107 characters.
inline constexpr std::size_t proxy_line_bytes_max = 107;

// PROXY protocol, version 2: 16 bytes, 216 for Unix addresses, and what proxies add about TLS. The
// length field allows 64 KB, but a header is meant to fit into one segment, and no known sender
// comes near 4 KB.
inline constexpr std::size_t proxy_header_bytes_max = 4'096;
inline constexpr std::size_t proxy_tlvs_max = 64;

// "An opaque byte sequence of up to 128 bytes"; names and algorithms: a DNS name has 253 bytes, the
// common names that certificates carry are shorter.
inline constexpr std::size_t proxy_unique_id_bytes_max = 128;
inline constexpr std::size_t proxy_tlv_text_bytes_max = 255;

} // namespace pgmoat::protocol
