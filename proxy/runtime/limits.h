// Bounds for this folder, each with its reason.
#pragma once

#include <cstddef>

namespace pgmoat::runtime {

// Rules that one warning names: more do not help the reader.
inline constexpr std::size_t named_rules_max = 5;

// Hosts of upstreams whose state is remembered. They come from the configuration; a generated one
// that renames its hosts at each reload must not make this grow without end.
inline constexpr std::size_t host_states_max = 1024;

} // namespace pgmoat::runtime
