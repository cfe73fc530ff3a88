// "Perhaps you meant": the word in a list that is most similar to a mistyped one.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace pgmoat::admin {

// Empty: no word is similar enough.
[[nodiscard]] std::string nearest_of(std::string_view word, std::span<const std::string> words);

} // namespace pgmoat::admin
