// Escapes texts from peers or files before people or programs read them. The log, JSON, console,
// status page and listings all use these functions. The result is one line, valid UTF-8, and shows
// every character that could hide another (utf8.h has the table).
//
// Boost.JSON is not used for writing: its serializer writes invalid UTF-8 and U+202E unchanged, and
// 0.012 as 1.2E-2. The fuzz target `shown_text` checks our output with its parser.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

namespace pgmoat::protocol {

inline constexpr std::size_t whole_text = std::numeric_limits<std::size_t>::max();

// The inside of a JSON string; cut at `bytes_max`, with "..." appended. Unsafe characters become
// \uXXXX, invalid UTF-8 bytes \ufffd.
[[nodiscard]] std::string escape_json(std::string_view text, std::size_t bytes_max = whole_text);
// With the quotes.
[[nodiscard]] std::string json_string(std::string_view text, std::size_t bytes_max = whole_text);

// For places with an escaping of their own (HTML) or none (console, text log): control characters
// and invalid UTF-8 bytes become U+FFFD, other unsafe characters \uXXXX. Cut as above.
[[nodiscard]] std::string make_visible(std::string_view text, std::size_t bytes_max = whole_text);

} // namespace pgmoat::protocol
