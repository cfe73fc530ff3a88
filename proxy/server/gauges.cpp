#include "proxy/server/gauges.h"

#include "protocol/shown_text.h"
#include "proxy/access/limit_states.h"
#include "proxy/server/rule_gauges.h"
#include "proxy/telemetry/live_sums.h"
#include "tls/context.h"
#include "tls/file_facts.h"

#include <algorithm>
#include <chrono>
#include <string>

namespace pgmoat::server {

namespace {

// Of an error that others have made the words of.
constexpr std::size_t shown_error_max = 256;

metrics::BuildInfo build_info() {
    return {
        PGMOAT_VERSION, PGMOAT_REVISION, __VERSION__, tls::build_version(), tls::runtime_version()};
}

std::vector<std::string> names_of(const std::vector<config::Listener>& listeners) {
    std::vector<std::string> names;
    names.reserve(listeners.size());
    for (const config::Listener& listener : listeners)
        names.push_back(listener.name);
    return names;
}

double seconds(std::chrono::steady_clock::duration duration) {
    return std::chrono::duration<double>(duration).count();
}

void add_threads(const GaugeSources& sources, metrics::Gauges& gauges) {
    for (std::size_t i = 0; i < sources.threads.size(); ++i)
        gauges.control_threads.push_back(
            {"control-" + std::to_string(i), seconds(sources.threads[i]->lag.recent())});
    for (const relay::ThreadFacts& thread : sources.plane.threads()) {
        gauges.relay_threads.push_back({thread.name, thread.measured_share, seconds(thread.lag)});
        gauges.buffered_bytes += thread.buffered_bytes;
    }
}

// Only for hosts that are still in the configuration.
void add_upstream_certificates(const GaugeSources& sources, metrics::Gauges& gauges) {
    const auto states = sources.threads.front()->services.host_states.all();
    for (const auto& [name, upstream] : sources.setup.upstreams)
        for (const config::UpstreamHost& host : upstream->conninfo.hosts) {
            const std::string& shown = host.host.empty() ? host.hostaddr : host.host;
            const auto known = states.find({name, shown, host.port});
            if (known == states.end() || !known->second.certificate_not_after) continue;
            gauges.upstream_certificates.push_back({name,
                                                    shown + ":" + std::to_string(host.port),
                                                    *known->second.certificate_not_after});
        }
}

// A reload may have taken the host away, or have begun to check its role.
bool is_learnt_at_login(const runtime::RuntimeConfig& setup, const runtime::HostName& name) {
    const auto upstream = setup.upstreams.find(name.upstream);
    if (upstream == setup.upstreams.end() || setup.config.health.contains(name.upstream))
        return false;
    const config::Conninfo& conninfo = upstream->second->conninfo;
    return conninfo.target_session_attrs != config::SessionAttrs::any &&
           std::ranges::any_of(conninfo.hosts, [&name](const config::UpstreamHost& host) {
               return (host.host.empty() ? host.hostaddr : host.host) == name.host &&
                      host.port == name.port;
           });
}

void add_upstream_roles(const GaugeSources& sources, metrics::Gauges& gauges) {
    const auto& services = sources.threads.front()->services;
    for (const auto& [name, host] : services.host_roles.all())
        gauges.upstream_roles.push_back({name.upstream,
                                         name.host + ":" + std::to_string(name.port),
                                         to_word(host.role),
                                         host.lag_bytes,
                                         host.answers,
                                         host.since,
                                         true,
                                         host.answers_since,
                                         protocol::make_visible(host.last_error, shown_error_max),
                                         host.last_error_at});
    for (const auto& [name, host] : services.learnt_roles.all()) {
        if (!is_learnt_at_login(sources.setup, name)) continue;
        metrics::UpstreamRole& shown = gauges.upstream_roles.emplace_back();
        shown.upstream = name.upstream;
        shown.host = name.host + ":" + std::to_string(name.port);
        shown.role = to_word(host.role);
        shown.since = host.since;
        shown.is_checked = false;
        shown.seen = host.seen;
    }
}

} // namespace

metrics::Gauges read_gauges(const GaugeSources& sources) {
    const ServerState& state = sources.state;
    metrics::Gauges gauges;
    gauges.build = build_info();
    telemetry::add_live(sources.sessions, names_of(sources.setup.config.listeners), gauges);
    gauges.connections_limit = static_cast<std::uint64_t>(sources.setup.config.max_connections);
    gauges.certificates = state.certificates;
    add_upstream_certificates(sources, gauges);
    add_upstream_roles(sources, gauges);
    gauges.rule_hits = rule_hits(sources.setup, &runtime::Access::rules);
    gauges.dry_run_hits = rule_hits(sources.setup, &runtime::Access::dry_run);
    gauges.rule_last_hits = rule_last_hits(sources.setup);
    add_threads(sources, gauges);
    gauges.addresses = access::address_table_facts(*sources.threads.front()->services.addresses);
    gauges.fips = tls::fips_enabled();
    gauges.draining = state.draining;
    gauges.last_reload_successful = state.last_reload_successful;
    gauges.last_reload_success_time = state.last_reload_success_time;
    return gauges;
}

} // namespace pgmoat::server
