// Bounds for this folder, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>

namespace pgmoat::runtime {

// Rules that one warning names: more do not help the reader.
inline constexpr std::size_t named_rules_max = 5;

// Hosts of upstreams whose state is remembered. They come from the configuration; a generated one
// that renames its hosts at each reload must not make this grow without end.
inline constexpr std::size_t host_states_max = 1024;

// How long what logins learnt of the servers' roles says alone who is tried first. After that one login
// tries the hosts in their order again: it costs that client one login more, and a first host that is
// back in its role gets its clients back.
inline constexpr std::chrono::seconds learnt_roles_hold{30};

} // namespace pgmoat::runtime
