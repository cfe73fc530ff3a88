// The bounds of access/, each with its reason.
#pragma once

#include <cstddef>

namespace pgmoat::access {

// Entries in a set. An address may be in either of two sets chosen by its hash; so both are full of
// live addresses only if nearly the whole table is.
inline constexpr std::size_t address_set_ways = 4;

// AddressTable limits its size to these; the setting address_table_size has narrower bounds
// (config/limits.h). In a smaller table addresses would evict each other; a larger one is memory
// (about 90 bytes an address) that no number of connections needs.
inline constexpr std::size_t address_table_min = 1'024;
inline constexpr std::size_t address_table_max = 16'777'216;

// Entries visited under one lock, for the console or a scrape, before logins get it again: some ten
// microseconds.
inline constexpr std::size_t addresses_per_look = 1'024;

// Addresses listed by SHOW ADDRESSES and the status page, and those that SHOW LIMITS names for each
// limit: as many as a person reads.
inline constexpr std::size_t addresses_shown = 100;
inline constexpr std::size_t refused_addresses_shown = 5;

// How many logins of one address may wait for their turn after failed ones. They wait for each
// other, so more connections do not mean more guesses. Further logins are refused.
inline constexpr int waiting_logins_max = 8;

// Live sessions that are checked against new rules before the thread's other work gets a turn: some
// hundred microseconds.
inline constexpr std::size_t sessions_per_slice = 64;

} // namespace pgmoat::access
