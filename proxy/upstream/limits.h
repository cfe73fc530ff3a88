// The bounds of reaching a server, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>

namespace pgmoat::upstream {

// The look at a server's certificate at start: a silent server must not hold up the others' turn.
inline constexpr std::chrono::seconds probe_timeout{5};

// The first message of a server, read whole when it is an error, to see whether another attempt or
// host should follow. libpq takes errors of up to 30000 bytes there.
inline constexpr std::size_t first_error_bytes_max = 30'000;

} // namespace pgmoat::upstream
