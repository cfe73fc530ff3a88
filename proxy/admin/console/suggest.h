// "Perhaps you meant": the word of a list that a mistyped one is nearest to.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace pgmoat::admin {

// Empty: none is so near that it was probably meant.
[[nodiscard]] std::string nearest_of(std::string_view word, std::span<const std::string> words);

} // namespace pgmoat::admin
