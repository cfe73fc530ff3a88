#include "proxy/config/place.h"

#include "proxy/config/text.h"

#include <algorithm>

namespace pgmoat::config {

bool means_host(const std::string& host, const std::string& configured, std::uint16_t port) {
    return host.empty() || host == configured || host == configured + ':' + std::to_string(port);
}

std::string why_no_place(const Config& config, const Place& place) {
    if (place.kind == Place::Kind::listener)
        return find_listener(config, place.name) == nullptr
                   ? "there is no listener " + in_quotes(place.name)
                   : std::string();
    const auto upstream = config.upstreams.find(place.name);
    if (upstream == config.upstreams.end()) return "there is no upstream " + in_quotes(place.name);
    const auto& hosts = upstream->second.hosts;
    const bool has_host = std::ranges::any_of(hosts, [&place](const UpstreamHost& host) {
        return means_host(place.host, host.host.empty() ? host.hostaddr : host.host, host.port);
    });
    if (has_host) return {};
    return "upstream " + in_quotes(place.name) + " has no host " + in_quotes(place.host);
}

std::string shown(const Place& place) {
    if (place.kind == Place::Kind::listener) return "listener " + in_quotes(place.name);
    const std::string upstream = "upstream " + in_quotes(place.name);
    return place.host.empty() ? upstream : "host " + in_quotes(place.host) + " of " + upstream;
}

} // namespace pgmoat::config
