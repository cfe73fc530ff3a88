// PostgreSQL's text formats that are more than a number or a word: arrays, times, intervals.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::admin {

// `{a,"b c",NULL}`. Reading: nothing if it is no array of one dimension.
[[nodiscard]] std::string array_text(std::span<const std::optional<std::string>> elements);
[[nodiscard]] std::string array_text(const std::vector<std::string>& elements);
[[nodiscard]] std::optional<std::vector<std::optional<std::string>>>
array_elements(std::string_view text);

// Timestamps are in UTC and sort as texts do: `2026-11-24 08:56:15+00`. Reading takes a date alone,
// a `T`, fractions and an offset; microseconds count from 2000-01-01, as PostgreSQL's do.
[[nodiscard]] std::string timestamp_text(std::int64_t microseconds_since_2000);
[[nodiscard]] std::optional<std::int64_t> microseconds_since_2000(std::string_view text);
[[nodiscard]] std::int64_t microseconds_now();

// `1 day 02:03:04`, and `5 minutes`, `1h 30 min`, `-00:00:10`.
[[nodiscard]] std::string interval_text(double seconds);
[[nodiscard]] std::optional<double> seconds_of_interval(std::string_view text);

// The shortest text that reads as the same number.
[[nodiscard]] std::string float_text(double value);

} // namespace pgmoat::admin
