#include "proxy/upstream/address_lookup.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

namespace pgmoat::upstream {

using lookups::HostAddresses;

Awaitable<std::optional<HostAddresses>>
look_up_addresses(runtime::ControlThread& thread,
                  runtime::Arrival& arrival,
                  const std::string& name,
                  runtime::Arrival::Clock::time_point until) {
    const auto place = std::make_shared<std::optional<HostAddresses>>();
    const auto& config = thread.setup->config;
    auto asked = thread.services.lookups.addresses.ask(
        name, {config.dns_max_ttl, config.dns_nxdomain_ttl}, arrival.delivery_to(place));
    if (auto* known = std::get_if<HostAddresses>(&asked)) co_return std::move(*known);
    auto& pending = std::get<lookups::AddressBook::Pending>(asked);
    while (!*place && !arrival.interrupted()) {
        const auto now = runtime::Arrival::Clock::now();
        if (pending.stale && now >= pending.use_stale_at) place->emplace(*pending.stale);
        if (*place || now >= until) break;
        co_await arrival.wait(pending.stale ? std::min(until, pending.use_stale_at) : until);
    }
    co_return std::move(*place);
}

} // namespace pgmoat::upstream
