// Small helpers for the parsers of this folder. ASCII only, whatever the locale is: PostgreSQL and
// libpq compare names and skip blanks this way.
#pragma once

#include <string>
#include <string_view>

namespace pgmoat::config {

inline constexpr std::string_view blanks = " \t\n\v\f\r";

[[nodiscard]] inline bool is_blank(char c) noexcept {
    return blanks.find(c) != std::string_view::npos;
}

[[nodiscard]] inline bool is_digit(char c) noexcept {
    return c >= '0' && c <= '9';
}

[[nodiscard]] inline std::string lower_case(std::string_view text) {
    std::string lower(text);
    for (char& c : lower)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return lower;
}

[[nodiscard]] inline bool equal_ignoring_case(std::string_view left, std::string_view right) {
    return lower_case(left) == lower_case(right);
}

[[nodiscard]] inline std::string in_quotes(std::string_view text) {
    return '"' + std::string(text) + '"';
}

// "a, b, c", without those that are empty.
template <typename Texts>
[[nodiscard]] std::string joined(const Texts& texts) {
    std::string all;
    for (const std::string_view text : texts)
        if (!text.empty()) all.append(all.empty() ? "" : ", ").append(text);
    return all;
}

[[nodiscard]] inline std::string_view trim(std::string_view text) noexcept {
    const std::size_t first = text.find_first_not_of(blanks);
    if (first == std::string_view::npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

} // namespace pgmoat::config
