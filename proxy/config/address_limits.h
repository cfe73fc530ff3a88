// The settings that limit each client address: rates such as `20/1min burst=50`, exempt networks.
// Values only; access::AddressTable applies them.
#pragma once

#include "proxy/config/network.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pgmoat::config {

// `number` events in `per`, and up to `burst` at once. If `number` is 0 there is no limit.
struct Rate {
    std::uint32_t number = 0;
    std::chrono::nanoseconds per{0};
    std::uint32_t burst = 0;
    bool operator==(const Rate&) const = default;

    [[nodiscard]] bool limits() const noexcept { return number > 0; }
    [[nodiscard]] std::chrono::nanoseconds interval() const noexcept { return per / number; }
};

// `NUMBER/TIME`, optionally followed by `burst=NUMBER`; without that the burst is the number. TIME
// is written as in postgresql.conf, but its number may be omitted: `10/s`. Empty: no limit. The
// other alternative says what is wrong.
[[nodiscard]] std::variant<Rate, std::string> parse_rate(std::string_view text);
// In the syntax of the setting; empty: no limit.
[[nodiscard]] std::string text_of(const Rate& rate);

// 0 and empty: no limit.
struct AddressLimits {
    std::uint32_t connections = 0;
    Rate handshakes;
    Rate logins;
    Rate failed_logins;                    // failures that have no consequence;
    std::chrono::milliseconds delay{1000}; // after them each login of the address waits for this
    int ipv4_prefix = 32;                  // addresses with this many equal bits count as one
    int ipv6_prefix = 64;
    std::vector<Network> exempt;
    bool operator==(const AddressLimits&) const = default;
};

} // namespace pgmoat::config
