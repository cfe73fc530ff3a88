// Version 1: `PROXY TCP4 198.51.100.7 203.0.113.5 56324 443` and CRLF. Exactly one space between
// fields; after UNKNOWN everything up to the CRLF is ignored, as the specification demands.
#include "protocol/ip_text.h"
#include "protocol/limits.h"
#include "protocol/proxy_protocol_wire.h"

#include <algorithm>

namespace pgmoat::protocol {
namespace {

constexpr std::string_view line_end = "\r\n";

std::string_view take_word(std::string_view& text) noexcept {
    const auto space = text.find(' ');
    const auto word = text.substr(0, space);
    text.remove_prefix(space == std::string_view::npos ? text.size() : space + 1);
    return word;
}

template <typename Address>
bool set(ProxyEndpoint& endpoint, const std::optional<Address>& address) noexcept {
    if (!address) return false;
    std::copy(address->begin(), address->end(), endpoint.address.begin());
    return true;
}

bool set_port(ProxyEndpoint& endpoint, std::string_view text) noexcept {
    const auto port = parse_port(text);
    endpoint.port = port.value_or(0);
    return port.has_value();
}

} // namespace

ParsedProxyHeader parse_proxy_line(std::string_view line) {
    if (line.size() > proxy_line_bytes_max) return "PROXY line too long";
    if (!line.starts_with(proxy_line_prefix)) return "no PROXY protocol header";
    if (!line.ends_with(line_end)) return "PROXY line does not end in CRLF";
    line.remove_prefix(proxy_line_prefix.size());
    line.remove_suffix(line_end.size());

    ProxyHeader header;
    header.version = 1;
    const auto family = line.substr(0, line.find(' '));
    if (family == "UNKNOWN") return header;
    if (family != "TCP4" && family != "TCP6") return "PROXY line of an unknown family";
    const bool ipv4 = family == "TCP4";
    header.family = ipv4 ? ProxyHeader::Family::ipv4 : ProxyHeader::Family::ipv6;

    if (std::count(line.begin(), line.end(), ' ') != 4)
        return "PROXY line with a wrong number of fields";
    take_word(line);
    for (ProxyEndpoint* endpoint : {&header.source, &header.destination}) {
        const auto text = take_word(line);
        if (!(ipv4 ? set(*endpoint, parse_ipv4(text)) : set(*endpoint, parse_ipv6(text))))
            return "PROXY line with an invalid address";
    }
    for (ProxyEndpoint* endpoint : {&header.source, &header.destination})
        if (!set_port(*endpoint, take_word(line))) return "PROXY line with an invalid port";
    return header;
}

} // namespace pgmoat::protocol
