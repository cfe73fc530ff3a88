// The bounds of a session up to its hand-over, each with its reason.
#pragma once

#include "protocol/limits.h"

#include <chrono>
#include <cstddef>

namespace pgmoat::session {

// As PostgreSQL's SCRAM_RAW_NONCE_LEN.
inline constexpr std::size_t scram_nonce_bytes = 18;

// Of a client's SASLInitialResponse, as a length word: the longest mechanism that matters, the
// length and the first character of its data, which says whether the client binds.
inline constexpr std::uint32_t sasl_begin_bytes_max = 64;

// Connections taken per wake-up of a listener before sessions get their turn again.
inline constexpr int accepts_per_turn = 16;

// Pauses after accept() failed for want of descriptors or memory: short at first, and never so long
// that a recovered system waits.
inline constexpr std::chrono::milliseconds accept_pause_min{5};
inline constexpr std::chrono::milliseconds accept_pause_max{1000};

// Connections that have not yet shown a startup packet may exceed max_connections, as PostgreSQL's
// children may (2 x MaxBackends), but not without bound.
inline constexpr std::size_t unadmitted_factor = 2;
inline constexpr std::size_t unadmitted_extra = 64;

// Cancel requests on their way to servers at one time. Each costs a connection there, and anyone
// can send them without a password.
inline constexpr std::size_t cancels_in_flight_max = 64;
// Of one client address: psql sends one at a time, a pool of an application a few; the others' must
// get through.
inline constexpr std::size_t cancels_of_one_client_max = 16;
// To one server: one that does not answer must not use up the places of all.
inline constexpr std::size_t cancels_to_one_host_max = 16;
// A server closes a cancel connection at once; one that does not is not waited for.
inline constexpr std::chrono::seconds cancel_timeout{10};

// What a server sends in a login while its role is not known yet, and is held back from the client: some
// hundred bytes, and the notices of login triggers. Beyond that the login is relayed and not repeated.
inline constexpr std::size_t held_login_bytes_max = 64 * 1024;

// Passthrough: what of a server's flight is held until its ServerHello (TLS 1.2: its
// ServerKeyExchange, which stands behind the certificates) has been read.
inline constexpr std::size_t server_flight_bytes_max = 256 * 1024;

// What a client may send behind its ClientHello before the server's hello is known. There is
// nothing to say but a second hello or an alert; early data needs tickets, which PostgreSQL does
// not give.
inline constexpr std::size_t early_client_bytes_max = protocol::client_hello_bytes_max + 16 * 1024;

// Of a client certificate's subject in pgmoat.client_dn: with the other facts it leaves most of a startup
// packet to the client.
inline constexpr std::size_t client_dn_bytes_max = 1'024;

} // namespace pgmoat::session
