#include "proxy/server/ending_sessions.h"

#include "proxy/access/kill.h"
#include "proxy/relay/plane.h"
#include "proxy/server/misplaced_sessions.h"
#include "proxy/telemetry/session_table.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace pgmoat::server {

void EndingSessions::end_drained() {
    const runtime::OutOfService& out = services_.out_of_service;
    if (!out.any()) return;
    std::vector<std::uint64_t> ids;
    for (const telemetry::SeenSession& seen : services_.table.snapshot()) {
        const telemetry::SharedFacts& facts = *seen.facts;
        const telemetry::BackendLocation& backend = facts.backend;
        if (out.has_listener(facts.listener) ||
            out.has_server(backend.upstream, backend.host, backend.port))
            ids.push_back(seen.id);
    }
    services_.plane.close(
        ids, {metrics::CloseReason::drain, "its listener or server is drained"}, relay::When::idle);
}

void EndingSessions::end_misplaced(const runtime::RuntimeConfig& setup) {
    if (setup.config.health.empty() || setup.config.on_role_change == config::OnRoleChange::keep)
        return;
    auto ids = misplaced_sessions(services_.table.snapshot(), setup, services_.host_roles);
    if (ids.empty()) return;
    services_.log.info("ending " + std::to_string(ids.size()) +
                       " sessions whose server is no longer the primary");
    access::end_all(threads_,
                    std::move(ids),
                    {metrics::CloseReason::drain, "its server is no longer the primary"});
}

void EndingSessions::end_overdue(const config::Config& config) {
    const SessionTimeouts::Settings limits{config.idle_session_timeout,
                                           config.max_session_lifetime};
    if (limits.idle.count() == 0 && limits.lifetime.count() == 0) return;
    const auto due =
        timeouts_.due(services_.table.snapshot(), limits, std::chrono::steady_clock::now());
    services_.plane.close(due.idle,
                          {metrics::CloseReason::idle, "idle_session_timeout expired"},
                          relay::When::if_idle);
    services_.plane.close(due.lifetime,
                          {metrics::CloseReason::lifetime, "max_session_lifetime expired"},
                          relay::When::idle);
}

} // namespace pgmoat::server
