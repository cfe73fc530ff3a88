// A bracket expression of PostgreSQL's regular expressions as the set of bytes that it matches.
// Called by are_syntax only. Source: PostgreSQL, src/backend/regex/regcomp.c, brackpart(), and
// regc_locale.c, the C collation.
#pragma once

#include <bitset>
#include <cstddef>
#include <string>
#include <string_view>

namespace pgmoat::hba {

using ByteSet = std::bitset<256>;

// [:digit:] and its like, with the C collation: ASCII alone. Empty: no such class.
[[nodiscard]] ByteSet named_class(std::string_view name);

// \d, \s, \w; empty for any other letter.
[[nodiscard]] ByteSet letter_class(char letter);

// \n, \t and so on, and all characters but ASCII letters and digits. -1: another escape.
[[nodiscard]] int escaped_byte(char escape) noexcept;

// The set as an RE2 class.
[[nodiscard]] std::string re2_class(const ByteSet& bytes);

struct Bracket {
    ByteSet bytes;
    std::string error;
    std::size_t end = 0; // after the closing bracket
};

// `begin` is the position after the opening bracket.
[[nodiscard]] Bracket read_bracket(std::string_view pattern, std::size_t begin, bool ignore_case);

} // namespace pgmoat::hba
