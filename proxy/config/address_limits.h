// What one client address may do, as settings say it: rates such as `20/1min burst=50`, networks that
// are exempt. Pure values; access::AddressTable holds addresses to them.
#pragma once

#include "proxy/config/network.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pgmoat::config {

// `number` events in `per`, and up to `burst` of them at once. A number of 0: no limit.
struct Rate {
    std::uint32_t number = 0;
    std::chrono::nanoseconds per{0};
    std::uint32_t burst = 0;
    bool operator==(const Rate&) const = default;

    [[nodiscard]] bool limits() const noexcept { return number > 0; }
    [[nodiscard]] std::chrono::nanoseconds interval() const noexcept { return per / number; }
};

// `NUMBER/TIME`, with `burst=NUMBER` after it or without: then it is the number. TIME as in
// postgresql.conf, and its number may be left out: `10/s`. Empty: no limit. The other alternative says
// what is wrong.
[[nodiscard]] std::variant<Rate, std::string> parse_rate(std::string_view text);
// As it may be written; empty: no limit.
[[nodiscard]] std::string text_of(const Rate& rate);

// 0 and empty: no limit.
struct AddressLimits {
    std::uint32_t connections = 0;
    Rate handshakes;
    Rate logins;
    Rate failed_logins;                    // so many are free;
    std::chrono::milliseconds delay{1000}; // after them each login of the address waits this long
    int ipv4_prefix = 32;                  // addresses that agree in so many bits count as one
    int ipv6_prefix = 64;
    std::vector<Network> exempt;
    bool operator==(const AddressLimits&) const = default;
};

} // namespace pgmoat::config
