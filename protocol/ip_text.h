// IPv4 and IPv6 addresses as text, strictly: no leading zeroes, zone or mask, nothing before or
// after. For proxy_protocol: libc's functions accept more than the specification allows. Pure.
#pragma once

#include "protocol/bytes.h"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pgmoat::protocol {

using Ipv4Bytes = std::array<std::uint8_t, 4>;
using Ipv6Bytes = std::array<std::uint8_t, 16>;

// Nothing: not exactly an IPv4 address.
[[nodiscard]] std::optional<Ipv4Bytes> parse_ipv4(std::string_view text) noexcept;
// Groups of one to four digits, at most one "::", and a dotted quad as the last 32 bits.
[[nodiscard]] std::optional<Ipv6Bytes> parse_ipv6(std::string_view text) noexcept;
[[nodiscard]] std::optional<std::uint16_t> parse_port(std::string_view text) noexcept;

// `bytes` has 4 or 16 bytes. IPv6 as in RFC 5952: lower case, the longest run of zeroes shortened.
[[nodiscard]] std::string ip_text(ByteView bytes);

} // namespace pgmoat::protocol
