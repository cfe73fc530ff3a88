// The bounds of what is said about a whole configuration.
#pragma once

#include <cstddef>

namespace pgmoat::runtime {

// Rules that one warning names: more do not help whoever reads it.
inline constexpr std::size_t named_rules_max = 5;

} // namespace pgmoat::runtime
