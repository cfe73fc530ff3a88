// Formats times for the output of commands.
#pragma once

#include <cstdint>
#include <string>

namespace pgmoat::cli {

// "2027-11-28 04:54 UTC"
[[nodiscard]] std::string date_of(std::int64_t unix_seconds);

} // namespace pgmoat::cli
