// How much is kept and written of refused connections, each with its reason.
#pragma once

#include <cstddef>

namespace pgmoat::telemetry {

// Refused connections on the status page: what fits on a screen or two.
inline constexpr std::size_t recent_refusals_max = 50;
inline constexpr std::size_t refusal_detail_bytes_max = 400;

// Lines of refused connections in the log, for each reason: a busy morning of mistakes shows whole,
// and a storm of 5000 a second neither fills the disk nor drowns what else happens.
inline constexpr double refusal_lines_burst = 100;
inline constexpr double refusal_lines_per_second = 10;

} // namespace pgmoat::telemetry
