// The bounds of access/, each with its reason.
#pragma once

#include <cstddef>

namespace pgmoat::access {

// Places where an address may be kept: two sets, chosen by its hash, of this many each. With two to
// choose from a set is full of live addresses only when nearly the whole table is.
inline constexpr std::size_t address_set_ways = 4;

// A table too small to tell addresses apart would make strangers share a limit; beyond the other
// end it is memory (about 90 bytes an address) that no number of connections needs.
inline constexpr std::size_t address_table_min = 1'024;
inline constexpr std::size_t address_table_max = 16'777'216;

// Entries of the table that are looked at in one go, for the console or a scrape, before logins get
// the lock again: some ten microseconds.
inline constexpr std::size_t addresses_per_look = 1'024;

// Addresses that SHOW ADDRESSES and the status page list, and those that SHOW LIMITS names for each
// limit: what a person reads.
inline constexpr std::size_t addresses_shown = 100;
inline constexpr std::size_t refused_addresses_shown = 5;

// How many logins of one address may wait for their turn after failed ones. They wait one after
// another, so more connections do not make more guesses; one more than these is refused.
inline constexpr int waiting_logins_max = 8;

// Live sessions that are held against new rules in one go, before the thread's other work gets its
// turn: some hundred microseconds.
inline constexpr std::size_t sessions_per_slice = 64;

} // namespace pgmoat::access
