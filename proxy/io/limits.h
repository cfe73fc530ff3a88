// The bounds of streams, deadlines and event loops, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>

namespace pgmoat::io {

// One TLS record with its overhead: most handshake flights fit into one recv().
inline constexpr std::size_t receive_bytes = 17 * 1024;

// Bytes read when waiting for a client's first byte. No startup packet is shorter, so nothing after
// one is read.
inline constexpr std::size_t look_ahead_bytes = 8;

// Unread bytes that are discarded before closing, so that the close does not reset the connection.
// A peer that sends more gets the reset.
inline constexpr std::size_t discard_bytes_max = 64 * 1024;

// How often deadlines are checked; PostgreSQL's own are whole seconds.
inline constexpr std::chrono::milliseconds deadline_tick{50};

// How often to check whether a client that waits for its server is still there: one that has gone
// must not keep its place for long. Most servers are reached before the first check.
inline constexpr std::chrono::milliseconds peer_watch_tick{500};

// How often the lag of a control thread is measured. Four wake-ups a second are no load, and no
// stall of a quarter of a second is missed.
inline constexpr std::chrono::milliseconds lag_tick{250};

// Bytes per read during the login.
inline constexpr std::size_t login_read_bytes = 16 * 1024;

} // namespace pgmoat::io
