// The bounds of the server as a whole, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>

namespace pgmoat {

// How often a draining server looks whether everyone has left.
inline constexpr std::chrono::milliseconds shutdown_poll{20};

// After connections were cut off, how long their last words (a log line, a counter) may take.
inline constexpr std::chrono::seconds cut_off_wait{2};

// Rules that have series of their own; the rest of a huge file shares one.
inline constexpr unsigned rules_shown_max = 1000;

// How often the server says how many lines it held back, and looks at itself for the status page.
inline constexpr std::chrono::seconds housekeeping_pause{2};

// ssl_watch: files that change together are seldom written at one moment. So long it is waited for
// the next of them; an attempt that failed is made again after the pause, and a pair that still
// does not fit after the patience is no rotation but a mistake, and said to be one.
inline constexpr std::chrono::milliseconds watch_debounce{200};
inline constexpr std::chrono::milliseconds watch_retry_pause{1000};
inline constexpr std::chrono::seconds watch_patience{5};

// `pgmoat check`: automatic renewal of a certificate of ninety days comes a month before its
// end, so three weeks mean that it did not come; RSA below 2048 bits is refused by default since
// OpenSSL's security level 2.
inline constexpr std::chrono::seconds expiry_warning{std::chrono::hours{24 * 21}};
inline constexpr int rsa_bits_min = 2048;

} // namespace pgmoat
