// An address of a peer and a range of addresses, as pg_hba.conf compares them: families never mix.
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

// Numeric text as sockets print it, IPv4-mapped addresses unmapped, zone ids dropped; "[local]" is
// a unix socket. What is none of these is taken for one too: it matches `local` records only.
[[nodiscard]] NetAddress net_address_from(std::string_view text);

// As getaddrinfo() reads a numeric address in a file: also `127.1`, `0x7f.1` and zone ids
// (dropped); nothing is unmapped. Nothing: a host name.
[[nodiscard]] std::optional<NetAddress> numeric_address(const std::string& text);

// As getnameinfo() prints it; empty for a unix socket.
[[nodiscard]] std::string text_of(const NetAddress& address);

// The mask of a CIDR length, such as "8"; nothing if it is none.
[[nodiscard]] std::optional<NetAddress> cidr_mask(const std::string& length, Family family);

struct AddressRange {
    NetAddress base;
    NetAddress mask; // of the same family; need not be contiguous
    [[nodiscard]] bool contains(const NetAddress& address) const noexcept;
    bool operator==(const AddressRange&) const = default;
};

} // namespace pgmoat::hba
