#include "proxy/gauges.h"

#include "proxy/rule_gauges.h"
#include "tls/context.h"

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
        add(facts.listener, Side::client, facts.client_tls);
        add(facts.listener, Side::server, facts.server_tls);
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
        if (tls.version.empty()) return;
        ++tls_[{listener,
                side,
                to_word(metrics::tls_version_from(tls.version)),
                to_word(metrics::cipher_from(tls.cipher))}];
    }

    std::map<std::string, std::uint64_t> connections_;
    std::map<Key, std::uint64_t> tls_;
};

metrics::BuildInfo build_info() {
    return {PGMOAT_VERSION, "", __VERSION__, tls::build_version(), tls::runtime_version()};
}

} // namespace

metrics::Gauges
read_gauges(const SessionTable& table, const control::Setup& setup, const ServerState& state) {
    metrics::Gauges gauges;
    gauges.build = build_info();
    LiveSums sums;
    table.for_each([&sums](const SessionRow& row) { sums.add(row.facts()); });
    sums.write(setup, gauges);
    gauges.connections_limit = static_cast<std::uint64_t>(setup.config.max_connections);
    if (setup.tls)
        gauges.certificates.push_back({"server",
                                       setup.config.tls.certificate_file,
                                       setup.tls->certificate().not_after,
                                       false});
    gauges.rule_hits = rule_hits(setup, &control::Access::rules);
    gauges.audit_hits = rule_hits(setup, &control::Access::audit);
    gauges.rule_last_hits = rule_last_hits(setup);
    gauges.draining = state.draining;
    gauges.last_reload_successful = state.last_reload_successful;
    gauges.last_reload_success_time = state.last_reload_success_time;
    return gauges;
}

} // namespace pgmoat
