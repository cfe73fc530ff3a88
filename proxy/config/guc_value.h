// Values as PostgreSQL's guc.c reads them: booleans, integers with units, lists. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::config {

// on, off, true, false, yes, no, 1, 0 and their unambiguous prefixes, in any letter case.
[[nodiscard]] std::optional<bool> parse_boolean(std::string_view text);

// The unit of a number without one.
enum class Unit { none, microseconds, milliseconds, seconds, kilobytes };

struct IntegerRange {
    int min;
    int max;
    Unit unit = Unit::none;
};

struct IntegerResult {
    std::optional<int> value;
    std::string error; // PostgreSQL's text, including the parameter's name
    std::string hint;
};

// Decimal, 0x hexadecimal, 0 octal, or with a fraction; then a unit, if the parameter has one.
// 1.5min is rounded to the next smaller unit first, then to the parameter's own.
[[nodiscard]] IntegerResult
parse_integer(const std::string& parameter, const std::string& text, const IntegerRange& range);

// `1 s .. 600 s`
[[nodiscard]] std::string text_of(const IntegerRange& range);

// Comma-separated, each element bare or in double quotes; nothing for a syntax error. In the first
// function an element has no blanks inside; a directory may.
[[nodiscard]] std::optional<std::vector<std::string>> split_list(std::string_view text);
[[nodiscard]] std::optional<std::vector<std::string>> split_folder_list(std::string_view text);

} // namespace pgmoat::config
