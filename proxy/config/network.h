// A network as settings name it: `10.0.0.0/8`, `2001:db8::/32`, or one address. Pure.
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
    int prefix = 0; // bits of it that count
    bool operator==(const Network&) const = default;

    // `address` has 4 or 16 bytes. Families never mix.
    [[nodiscard]] bool contains(protocol::ByteView address) const noexcept;
};

// Nothing: it is no network, or there are bits set after its prefix.
[[nodiscard]] std::optional<Network> parse_network(std::string_view text);
[[nodiscard]] std::string text_of(const Network& network);

} // namespace pgmoat::config
