// Bounds for a session up to its hand-over, each with its reason.
#pragma once

#include "protocol/limits.h"

#include <chrono>
#include <cstddef>

namespace pgmoat::session {

// As PostgreSQL's SCRAM_RAW_NONCE_LEN.
inline constexpr std::size_t scram_nonce_bytes = 18;

// How much of a client's SASLInitialResponse is read, as a length word: the longest relevant
// mechanism, the length of the data, and its first character, which shows whether the client uses
// channel binding.
inline constexpr std::uint32_t sasl_begin_bytes_max = 64;

// Connections accepted per wake-up of a listener before sessions get a turn.
inline constexpr int accepts_per_turn = 16;

// Pauses after accept() has failed for lack of descriptors or memory: short at first, and never so
// long that a recovered system has to wait.
inline constexpr std::chrono::milliseconds accept_pause_min{5};
inline constexpr std::chrono::milliseconds accept_pause_max{1000};

// Connections that have not yet shown a startup packet may exceed max_connections, as PostgreSQL's
// children may (2 x MaxBackends), but not without bound.
inline constexpr std::size_t unadmitted_factor = 2;
inline constexpr std::size_t unadmitted_extra = 64;

// Cancel requests forwarded at a time. Each costs a connection to a server, and any client can send
// them without a password.
inline constexpr std::size_t cancels_in_flight_max = 64;
// From one client address: psql sends one at a time, an application's pool a few; others must not
// be blocked.
inline constexpr std::size_t cancels_of_one_client_max = 16;
// To one server: one that does not answer must not use up all places.
inline constexpr std::size_t cancels_to_one_host_max = 16;
// A server closes a cancel connection at once; if it does not, we stop waiting.
inline constexpr std::chrono::seconds cancel_timeout{10};

// What a server sends in a login while its role is not known yet, and is held back from the client: some
// hundred bytes, and the notices of login triggers. Beyond that the login is relayed and not repeated.
inline constexpr std::size_t held_login_bytes_max = 64 * 1024;

// Passthrough: how much of a server's flight is buffered until its ServerHello (TLS 1.2: its
// ServerKeyExchange, which comes after the certificates) has been read.
inline constexpr std::size_t server_flight_bytes_max = 256 * 1024;

// What a client may send after its ClientHello before the server's hello is known: only a second
// hello or an alert is possible, since early data needs tickets, which PostgreSQL does not issue.
inline constexpr std::size_t early_client_bytes_max = protocol::client_hello_bytes_max + 16 * 1024;

// Length of the certificate subject in pgmoat.client_dn: with the other facts, most of the startup
// packet is left for the client.
inline constexpr std::size_t client_dn_bytes_max = 1'024;

} // namespace pgmoat::session
