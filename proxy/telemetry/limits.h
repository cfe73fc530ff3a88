// How much is kept and logged about refused connections, each with its reason.
#pragma once

#include <cstddef>

namespace pgmoat::telemetry {

// Refused connections on the status page: one or two screens.
inline constexpr std::size_t recent_refusals_max = 50;
inline constexpr std::size_t refusal_detail_bytes_max = 400;

// Log lines for refused connections, for each reason: enough to log everything on a day with many
// mistakes, and few enough that 5000 refusals a second neither fill the disk nor hide other lines.
inline constexpr double refusal_lines_burst = 100;
inline constexpr double refusal_lines_per_second = 10;

} // namespace pgmoat::telemetry
