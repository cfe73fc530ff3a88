// Every bound of metrics/, each with its reason. Events beyond a bound are counted as `_other` or
// `other`, so that a sum over all labels is always right.
#pragma once

#include <cstddef>

namespace pgmoat::metrics {

// Names of listeners and upstreams since the start, including those that a reload has removed. A
// listener costs about 2 KiB per thread and 250 series. No configuration written by hand needs as
// many, and a generated one that renames them at each reload must not grow without end.
inline constexpr std::size_t listeners_max = 32;
inline constexpr std::size_t upstreams_max = 64;

// Combinations of listener, side, version, cipher, group and SNI that one thread can count
// separately, a power of two. A peer chooses among what the configuration allows: about 250 on one
// listener at the very most, 10 in practice. 16 bytes each.
inline constexpr std::size_t handshake_kinds_max = 1024;

// A label value from configuration or a certificate; longer ones are cut at a character.
inline constexpr std::size_t label_value_bytes_max = 128;

} // namespace pgmoat::metrics
