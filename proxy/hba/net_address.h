// Addresses and ranges as pg_hba.conf compares them: IPv4 and IPv6 never match each other.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pgmoat::hba {

enum class Family { local, ipv4, ipv6 }; // local: a unix socket

struct NetAddress {
    Family family = Family::local;
    std::array<std::uint8_t, 16> bytes{}; // network order; IPv4 uses the first four
    bool operator==(const NetAddress&) const = default;
};

// Parses numeric text as sockets print it; IPv4-mapped addresses are unmapped, zone ids dropped.
// "[local]" is a Unix socket, and so is any other text: it matches only `local` records.
[[nodiscard]] NetAddress net_address_from(std::string_view text);

// Parses a numeric address in a file as getaddrinfo() does: also `127.1`, `0x7f.1` and zone ids
// (dropped); IPv4-mapped addresses are kept. Nothing: a host name.
[[nodiscard]] std::optional<NetAddress> numeric_address(const std::string& text);

// As getnameinfo() prints it; empty for a unix socket.
[[nodiscard]] std::string text_of(const NetAddress& address);

// The mask for a CIDR prefix length such as "8"; nothing if it is not valid.
[[nodiscard]] std::optional<NetAddress> cidr_mask(const std::string& length, Family family);

struct AddressRange {
    NetAddress base;
    NetAddress mask; // of the same family; may have gaps
    [[nodiscard]] bool contains(const NetAddress& address) const noexcept;
    bool operator==(const AddressRange&) const = default;
};

} // namespace pgmoat::hba
