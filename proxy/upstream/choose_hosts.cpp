#include "proxy/upstream/choose_hosts.h"

#include <algorithm>

namespace pgmoat::upstream {

using config::SessionAttrs;
using runtime::HostRole;
using runtime::Role;

namespace {

bool is_good_standby(const HostRole& host) {
    return host.role == Role::standby && !host.too_far_behind;
}

} // namespace

bool has_role(const HostRole& host, SessionAttrs wanted) noexcept {
    switch (wanted) {
    case SessionAttrs::any:
    case SessionAttrs::prefer_standby: return true;
    case SessionAttrs::primary: return host.role == Role::primary;
    case SessionAttrs::read_write: return host.role == Role::primary && !host.read_only;
    case SessionAttrs::standby: return is_good_standby(host);
    case SessionAttrs::read_only:
        return is_good_standby(host) || (host.role == Role::primary && host.read_only);
    }
    return false;
}

std::vector<std::size_t>
choose_hosts(std::span<const HostRole> hosts, const Choice& choice, const Shuffle& shuffle) {
    std::vector<std::size_t> order;
    for (std::size_t i = 0; i < hosts.size(); ++i)
        if (has_role(hosts[i], choice.wanted)) order.push_back(i);
    if (shuffle) shuffle(order);
    if (!choice.is_checked) return order;
    const auto sort_first = [&](const auto& is_first) {
        std::stable_partition(order.begin(), order.end(), [&](std::size_t i) { //
            return is_first(hosts[i]);
        });
    };
    if (choice.wanted == SessionAttrs::prefer_standby) {
        sort_first([](const HostRole& host) { return host.role == Role::primary; });
        sort_first(is_good_standby);
    }
    sort_first([](const HostRole& host) { return host.answers; });
    return order;
}

bool must_leave(const HostRole& host, SessionAttrs wanted, bool has_primary) noexcept {
    const bool asked_for_primary =
        wanted == SessionAttrs::primary || wanted == SessionAttrs::read_write;
    if (!asked_for_primary || host.role == Role::primary) return false;
    return host.role == Role::standby || has_primary;
}

std::string roles_text(const runtime::HostRoles::OfUpstream& hosts) {
    std::string text;
    for (const auto& [name, host] : hosts) {
        if (!text.empty()) text += ", ";
        text += name.host + ":" + std::to_string(name.port) + " is ";
        switch (host.role) {
        case Role::primary: text += "the primary"; break;
        case Role::standby: text += "a standby"; break;
        case Role::unknown: text += "not known"; break;
        }
        if (host.too_far_behind) text += " that is too far behind";
        if (!host.answers && !host.last_error.empty()) text += " (" + host.last_error + ")";
    }
    return text;
}

} // namespace pgmoat::upstream
