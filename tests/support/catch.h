// Catch2, version 2 or 3, whichever is installed.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
using Catch::Approx; // as in Catch2 2
#else
#include <catch2/catch.hpp>

namespace Catch::Matchers {

// Catch2 3's name for it.
inline auto ContainsSubstring(const std::string& text) {
    return Contains(text);
}

} // namespace Catch::Matchers
#endif
