// A network as written in settings: `10.0.0.0/8`, `2001:db8::/32`, or one address. Pure.
#pragma once

#include "protocol/bytes.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pgmoat::config {

struct Network {
    std::array<std::uint8_t, 16> address{}; // network order; IPv4 uses the first four
    bool ipv6 = false;
    int prefix = 0; // number of significant bits
    bool operator==(const Network&) const = default;

    // `address` has 4 or 16 bytes. IPv4 and IPv6 never match each other.
    [[nodiscard]] bool contains(protocol::ByteView address) const noexcept;
};

// Nothing: not a network, or bits are set after its prefix.
[[nodiscard]] std::optional<Network> parse_network(std::string_view text);
[[nodiscard]] std::string text_of(const Network& network);

} // namespace pgmoat::config
