#include "proxy/gauges.h"

#include "proxy/rule_gauges.h"
#include "tls/context.h"
#include "tls/file_facts.h"

#include <chrono>
#include <map>
#include <string>
#include <tuple>
#include <utility>

namespace pgmoat {

namespace {

using metrics::Side;

// Sums by the closed lists of versions and ciphers, so that no peer can add a series.
class LiveSums {
  public:
    void add(const SessionFacts& facts) {
        ++connections_[facts.listener];
        // TLS that passes through is one session over both legs.
        const bool passes = facts.mode == metrics::Mode::passthrough;
        add(facts.listener, Side::client, facts.client_tls);
        add(facts.listener, Side::server, passes ? facts.client_tls : facts.server_tls);
    }

    void write(const control::Setup& setup, metrics::Gauges& gauges) const {
        for (const auto& listener : setup.config.listeners) {
            const auto found = connections_.find(listener.name);
            gauges.connections_live.push_back(
                {listener.name, found == connections_.end() ? 0 : found->second});
        }
        for (const auto& [key, count] : tls_) {
            const auto& [listener, side, version, cipher] = key;
            gauges.tls_connections_live.push_back(
                {listener, side, std::string(version), std::string(cipher), count});
        }
    }

  private:
    using Key = std::tuple<std::string, Side, std::string_view, std::string_view>;

    void add(const std::string& listener, Side side, const TlsFacts& tls) {
        if (tls.version.empty()) {
            ++tls_[{listener, side, "", ""}];
            return;
        }
        ++tls_[{listener,
                side,
                to_word(metrics::tls_version_from(tls.version)),
                to_word(metrics::cipher_from(tls.cipher))}];
    }

    std::map<std::string, std::uint64_t> connections_;
    std::map<Key, std::uint64_t> tls_;
};

metrics::BuildInfo build_info() {
    return {
        PGMOAT_VERSION, PGMOAT_REVISION, __VERSION__, tls::build_version(), tls::runtime_version()};
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

} // namespace

metrics::Gauges read_gauges(const GaugeSources& sources) {
    const ServerState& state = sources.state;
    metrics::Gauges gauges;
    gauges.build = build_info();
    LiveSums sums;
    sources.table.for_each([&sums](const SessionRow& row) { sums.add(row.facts()); });
    sums.write(sources.setup, gauges);
    gauges.connections_limit = static_cast<std::uint64_t>(sources.setup.config.max_connections);
    gauges.certificates = state.certificates;
    gauges.rule_hits = rule_hits(sources.setup, &control::Access::rules);
    gauges.audit_hits = rule_hits(sources.setup, &control::Access::audit);
    gauges.rule_last_hits = rule_last_hits(sources.setup);
    add_threads(sources, gauges);
    gauges.fips = tls::fips_enabled();
    gauges.draining = state.draining;
    gauges.last_reload_successful = state.last_reload_successful;
    gauges.last_reload_success_time = state.last_reload_success_time;
    return gauges;
}

} // namespace pgmoat
