// The bounds of what is said about a whole configuration.
#pragma once

#include <cstddef>

namespace pgmoat::runtime {

// Rules that one warning names: more do not help whoever reads it.
inline constexpr std::size_t named_rules_max = 5;

// Hosts of upstreams whose state is remembered. Each is named in the configuration; one that is
// generated and renames its hosts at each reload must not grow without end.
inline constexpr std::size_t host_states_max = 1024;

} // namespace pgmoat::runtime
