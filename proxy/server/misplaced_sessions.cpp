#include "proxy/server/misplaced_sessions.h"

#include "proxy/upstream/choose_hosts.h"

#include <algorithm>
#include <map>
#include <string>

namespace pgmoat::server {

std::vector<std::uint64_t> misplaced_sessions(const telemetry::SeenSessions& sessions,
                                              const runtime::RuntimeConfig& setup,
                                              const runtime::HostRoles& roles) {
    std::map<std::string, runtime::HostRoles::OfUpstream> known;
    for (const auto& [name, check] : setup.config.health)
        known.emplace(name, roles.of(name));
    std::vector<std::uint64_t> ids;
    for (const telemetry::SeenSession& seen : sessions) {
        const telemetry::BackendLocation& backend = seen.facts->backend;
        const auto hosts = known.find(backend.upstream);
        if (hosts == known.end()) continue;
        const auto host = hosts->second.find({backend.upstream, backend.host, backend.port});
        if (host == hosts->second.end()) continue;
        const bool has_primary = std::ranges::any_of(hosts->second, [](const auto& one) {
            return one.second.role == runtime::Role::primary;
        });
        const auto wanted = setup.upstreams.at(backend.upstream)->conninfo.target_session_attrs;
        if (upstream::must_leave(host->second, wanted, has_primary)) ids.push_back(seen.id);
    }
    return ids;
}

} // namespace pgmoat::server
