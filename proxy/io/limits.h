// The bounds of streams, deadlines and event loops, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>

namespace pgmoat::io {

// One TLS record with its overhead: enough for a whole flight of most handshakes in one recv.
inline constexpr std::size_t receive_bytes = 17 * 1024;

// What a look at a client's first byte takes along. No start-up packet is shorter, so that nothing
// behind one is read.
inline constexpr std::size_t look_ahead_bytes = 8;

// What is thrown away of bytes that the peer sent unasked before we close. More means that it does
// not stop: then the reset is deserved.
inline constexpr std::size_t discard_bytes_max = 64 * 1024;

// Deadlines are checked this often; PostgreSQL's own are whole seconds.
inline constexpr std::chrono::milliseconds deadline_tick{50};

// How often a client is looked at that waits for its server: one that has gone must not hold its
// place for long, and most servers are reached before the first look.
inline constexpr std::chrono::milliseconds peer_watch_tick{500};

// How often a control thread is asked whether it is late. Four wake-ups a second are no load, and a
// stall of a quarter of a second cannot hide.
inline constexpr std::chrono::milliseconds lag_tick{250};

// Bytes per read while login messages pass.
inline constexpr std::size_t login_read_bytes = 16 * 1024;

} // namespace pgmoat::io
