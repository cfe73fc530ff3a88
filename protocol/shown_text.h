// Texts that peers or files hold, on their way to a place where people or programs read them. Every
// such place uses one of these: log, JSON, console, status page, listings. The result is one line,
// valid UTF-8, and shows every character that could hide another (utf8.h has the table).
//
// Boost.JSON is not used for writing: its serializer passes invalid UTF-8 and U+202E on as they
// are, and writes 0.012 as 1.2E-2. The fuzz target `shown_text` holds our output against its
// parser.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>

namespace pgmoat::protocol {

inline constexpr std::size_t whole_text = std::numeric_limits<std::size_t>::max();

// The inside of a JSON string; cut at `bytes_max` with "..." behind. Unsafe characters become
// \uXXXX, bytes that are no UTF-8 \ufffd.
[[nodiscard]] std::string escape_json(std::string_view text, std::size_t bytes_max = whole_text);
// With the quotes.
[[nodiscard]] std::string json_string(std::string_view text, std::size_t bytes_max = whole_text);

// For a place that has an escaping of its own (HTML) or none (console, text log): control
// characters and bytes that are no UTF-8 become U+FFFD, other unsafe characters \uXXXX. Cut as
// above.
[[nodiscard]] std::string make_visible(std::string_view text, std::size_t bytes_max = whole_text);

} // namespace pgmoat::protocol
