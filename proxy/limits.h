// The bounds of the server as a whole, each with its reason.
#pragma once

#include <chrono>

namespace pgmoat {

// How often a draining server looks whether everyone has left.
inline constexpr std::chrono::milliseconds shutdown_poll{20};

// After connections were cut off, how long their last words (a log line, a counter) may take.
inline constexpr std::chrono::seconds cut_off_wait{2};

// Rules that have series of their own; the rest of a huge file shares one.
inline constexpr unsigned rules_shown_max = 1000;

} // namespace pgmoat
