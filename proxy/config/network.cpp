#include "proxy/config/network.h"

#include "protocol/ip_text.h"

#include <algorithm>
#include <charconv>

namespace pgmoat::config {
namespace {

using Address = std::array<std::uint8_t, 16>;

// The bits in the byte at `index` that belong to the prefix.
std::uint8_t mask(int prefix, std::size_t index) noexcept {
    const int kept = std::clamp(prefix - 8 * static_cast<int>(index), 0, 8);
    return static_cast<std::uint8_t>(0xff00 >> kept);
}

std::optional<int> parse_prefix(std::string_view text, int max) noexcept {
    int prefix = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), prefix);
    if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return {};
    if (prefix < 0 || prefix > max || text[0] == '-') return {};
    return prefix;
}

std::optional<Network> parse_address(std::string_view text) noexcept {
    Network network;
    if (const auto ipv4 = protocol::parse_ipv4(text)) {
        std::copy(ipv4->begin(), ipv4->end(), network.address.begin());
        network.prefix = 32;
        return network;
    }
    const auto ipv6 = protocol::parse_ipv6(text);
    if (!ipv6) return {};
    network.address = *ipv6;
    network.ipv6 = true;
    network.prefix = 128;
    return network;
}

} // namespace

bool Network::contains(protocol::ByteView other) const noexcept {
    if (other.size() != (ipv6 ? 16U : 4U)) return false;
    for (std::size_t i = 0; i < other.size(); ++i)
        if (((other[i] ^ address[i]) & mask(prefix, i)) != 0) return false;
    return true;
}

std::optional<Network> parse_network(std::string_view text) {
    const auto slash = text.find('/');
    auto network = parse_address(text.substr(0, slash));
    if (!network || slash == std::string_view::npos) return network;
    const auto prefix = parse_prefix(text.substr(slash + 1), network->prefix);
    if (!prefix) return {};
    network->prefix = *prefix;
    for (std::size_t i = 0; i < network->address.size(); ++i)
        if ((network->address[i] & ~mask(*prefix, i)) != 0) return {};
    return network;
}

std::string text_of(const Network& network) {
    const auto bytes = protocol::ByteView{network.address}.first(network.ipv6 ? 16 : 4);
    return protocol::ip_text(bytes) + "/" + std::to_string(network.prefix);
}

} // namespace pgmoat::config
