// UTF-8 as in RFC 3629, and the characters that must not reach a terminal, a log or a page
// unescaped. One table for the log, JSON, the console and the status page.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace pgmoat::protocol {

struct Utf8Character {
    std::uint32_t code = 0;
    std::size_t length = 0; // in bytes; 0: the text does not begin with a character
};

// Decodes the first character. Overlong forms, surrogates and codes above U+10FFFF are invalid.
[[nodiscard]] Utf8Character first_character(std::string_view text) noexcept;
[[nodiscard]] bool is_utf8(std::string_view text) noexcept;

void append_utf8(std::string& out, std::uint32_t code);

// Control characters, which terminals obey; characters that change the order of the text around
// them (CVE-2021-42574); and invisible ones, with which two names can look alike.
[[nodiscard]] bool is_unsafe_to_show(std::uint32_t code) noexcept;

} // namespace pgmoat::protocol
