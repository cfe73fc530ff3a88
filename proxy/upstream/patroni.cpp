#include "proxy/upstream/patroni.h"

#include "proxy/config/http_url.h"
#include "proxy/upstream/limits.h"

#include <boost/json/src.hpp>

#include <algorithm>
#include <utility>

namespace pgmoat::upstream {

namespace json = boost::json;
using runtime::Role;

namespace {

std::string text_in(const json::object& object, std::string_view name) {
    const json::value* const value = object.if_contains(name);
    return value != nullptr && value->is_string() ? std::string(value->get_string())
                                                  : std::string();
}

// Nothing: not a number of that type. Patroni reports some as "unknown".
template <class Number>
std::optional<Number> number_in(const json::object& object, std::string_view name) {
    const json::value* const value = object.if_contains(name);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    boost::system::error_code error;
    const Number number = value->to_number<Number>(error);
    return error ? std::nullopt : std::optional(number);
}

ClusterMember member_in(const json::object& object) {
    ClusterMember member;
    member.host = text_in(object, "host");
    member.port = number_in<std::uint16_t>(object, "port").value_or(0);
    const std::string role = text_in(object, "role");
    member.stands_by = role == "standby_leader";
    member.leads = role == "leader" || member.stands_by;
    member.state = text_in(object, "state");
    member.lag_bytes = number_in<std::uint64_t>(object, "lag");
    // "https://10.0.0.1:8008/patroni"
    if (auto url = config::parse_http_url(text_in(object, "api_url")))
        member.api = std::move(url->address);
    return member;
}

SeenHost failed(const std::string& why, bool is_no_primary) {
    SeenHost seen;
    seen.error = why;
    seen.is_no_primary = is_no_primary;
    return seen;
}

SeenHost seen_leader(LeaderSays says, const std::string& silence) {
    SeenHost seen;
    switch (says) {
    case LeaderSays::primary: seen.role = Role::primary; break;
    case LeaderSays::not_primary:
        seen = failed("it has the leader key and is no primary", true);
        break;
    case LeaderSays::nothing: seen = failed("the leader cannot be asked: " + silence, false); break;
    }
    return seen;
}

bool is(const ClusterMember& member, const config::UpstreamHost& host) {
    const bool same = member.host == host.host || member.host == host.hostaddr;
    return same && member.port == host.port;
}

} // namespace

const ClusterMember* Cluster::leader() const {
    const auto found = std::ranges::find_if(
        members, [](const ClusterMember& member) { return member.leads && !member.stands_by; });
    return found == members.end() ? nullptr : &*found;
}

Cluster read_cluster(std::string_view text) {
    Cluster cluster;
    boost::system::error_code error;
    const json::value parsed = json::parse(text, error);
    const json::value* const members =
        !error && parsed.is_object() ? parsed.get_object().if_contains("members") : nullptr;
    if (members == nullptr || !members->is_array()) {
        cluster.error = "the answer to GET /cluster is not Patroni's";
        return cluster;
    }
    for (const json::value& member : members->get_array())
        if (member.is_object() && cluster.members.size() < cluster_members_max)
            cluster.members.push_back(member_in(member.get_object()));
    return cluster;
}

std::vector<SeenHost> seen_in(const Cluster& cluster,
                              std::span<const config::UpstreamHost> hosts,
                              LeaderSays leader,
                              const std::string& silence) {
    const ClusterMember* const leads = cluster.leader();
    std::vector<SeenHost> all;
    for (const config::UpstreamHost& host : hosts) {
        const auto found = std::ranges::find_if(
            cluster.members, [&](const ClusterMember& member) { return is(member, host); });
        SeenHost& seen = all.emplace_back();
        if (found == cluster.members.end()) {
            seen = failed("Patroni's cluster has no member with this host and port", true);
        } else if (leads != nullptr && &*found == leads) {
            seen = seen_leader(leader, silence);
        } else if (!found->is_running()) {
            seen = failed("Patroni says that it is \"" + found->state + "\"", true);
        } else {
            seen.role = Role::standby;
            seen.lag_bytes = found->lag_bytes;
        }
    }
    return all;
}

} // namespace pgmoat::upstream
