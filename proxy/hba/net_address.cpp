#include "proxy/hba/net_address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace pgmoat::hba {
namespace {

constexpr std::array<std::uint8_t, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

std::size_t size_of(Family family) noexcept {
    return family == Family::ipv4 ? 4 : 16;
}

std::optional<NetAddress> ipv4_address(const std::string& text) {
    // inet_aton() stops at white space and accepts whatever follows it.
    if (text.find_first_of(" \t\n\v\f\r") != std::string::npos) return std::nullopt;
    in_addr address{};
    if (inet_aton(text.c_str(), &address) == 0) return std::nullopt;
    NetAddress result{Family::ipv4, {}};
    std::memcpy(result.bytes.data(), &address, sizeof address);
    return result;
}

// fe80::/10 and ffx2::/16: only there may the zone be the name of an interface.
bool is_link_local(const NetAddress& address) noexcept {
    const bool unicast = address.bytes[0] == 0xfe && (address.bytes[1] & 0xc0) == 0x80;
    const bool multicast = address.bytes[0] == 0xff && (address.bytes[1] & 0x0f) == 0x02;
    return unicast || multicast;
}

bool is_zone(std::string_view zone, const NetAddress& address) noexcept {
    if (zone.empty()) return false;
    return is_link_local(address) || zone.find_first_not_of("0123456789") == std::string_view::npos;
}

std::optional<NetAddress> ipv6_address(const std::string& text) {
    const std::size_t percent = text.find('%');
    in6_addr address{};
    if (inet_pton(AF_INET6, text.substr(0, percent).c_str(), &address) != 1) return std::nullopt;
    NetAddress result{Family::ipv6, {}};
    std::memcpy(result.bytes.data(), &address, sizeof address);
    if (percent != std::string::npos &&
        !is_zone(std::string_view(text).substr(percent + 1), result))
        return std::nullopt;
    return result;
}

} // namespace

std::optional<NetAddress> numeric_address(const std::string& text) {
    if (text.find('\0') != std::string::npos) return std::nullopt;
    const auto address = ipv4_address(text);
    return address ? address : ipv6_address(text);
}

NetAddress net_address_from(std::string_view text) {
    auto address = numeric_address(std::string(text));
    if (!address) return {};
    const auto prefix = address->bytes.begin() + mapped_prefix.size();
    if (address->family == Family::ipv6 &&
        std::equal(address->bytes.begin(), prefix, mapped_prefix.begin())) {
        NetAddress unmapped{Family::ipv4, {}};
        std::copy(prefix, address->bytes.end(), unmapped.bytes.begin());
        return unmapped;
    }
    return *address;
}

std::string text_of(const NetAddress& address) {
    if (address.family == Family::local) return {};
    std::array<char, INET6_ADDRSTRLEN> text{};
    const int family = address.family == Family::ipv4 ? AF_INET : AF_INET6;
    inet_ntop(family, address.bytes.data(), text.data(), text.size());
    return text.data();
}

std::optional<NetAddress> cidr_mask(const std::string& length, Family family) {
    if (length.empty() || length.find('\0') != std::string::npos) return std::nullopt;
    char* end = nullptr;
    const long bits = std::strtol(length.c_str(), &end, 10);
    const auto bytes = size_of(family);
    if (*end != '\0' || bits < 0 || bits > static_cast<long>(8 * bytes)) return std::nullopt;

    NetAddress mask{family, {}};
    auto left = static_cast<unsigned>(bits);
    for (std::size_t n = 0; left > 0; ++n) {
        const unsigned taken = std::min(left, 8U);
        mask.bytes.at(n) = static_cast<std::uint8_t>(0xff00U >> taken);
        left -= taken;
    }
    return mask;
}

bool AddressRange::contains(const NetAddress& address) const noexcept {
    if (address.family != base.family || address.family == Family::local) return false;
    for (std::size_t n = 0; n < size_of(base.family); ++n)
        if (((address.bytes[n] ^ base.bytes[n]) & mask.bytes[n]) != 0) return false;
    return true;
}

} // namespace pgmoat::hba
