// Numbers, times and texts as people read them in a table, and HTML that no text of a client's can
// break out of. Pure.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace pgmoat::admin {

// For element content and quoted attributes; invalid UTF-8 and control characters are replaced.
[[nodiscard]] std::string html(std::string_view text);

[[nodiscard]] std::string with_separators(std::uint64_t number); // "12 345" with narrow spaces
[[nodiscard]] std::string byte_count(double bytes);              // "1.2 MB"
[[nodiscard]] std::string age(std::chrono::steady_clock::duration duration); // "3 d 4 h", "12 s"
[[nodiscard]] std::string milliseconds(double seconds);                      // "4.2 ms"
[[nodiscard]] std::string rate(double per_second);                           // "0.4", "120"
[[nodiscard]] std::string date(std::int64_t unix_seconds);                   // "2026-11-24"

} // namespace pgmoat::admin
