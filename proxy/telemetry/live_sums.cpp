#include "proxy/telemetry/live_sums.h"

#include "metrics/labels.h"

#include <cstdint>
#include <map>
#include <string_view>
#include <tuple>

namespace pgmoat::telemetry {

namespace {

using metrics::Side;

// Sums by the closed lists of versions and ciphers, so that peers cannot create new series. The
// listener names are views into the sessions' facts.
class LiveSums {
  public:
    void add(const SharedFacts& facts) {
        ++connections_[facts.listener];
        // Passed-through TLS is one session over both legs.
        const bool passes = facts.mode == metrics::Mode::passthrough;
        add(facts.listener, Side::client, facts.client_tls);
        add(facts.listener, Side::server, passes ? facts.client_tls : facts.server_tls);
    }

    void write(const std::vector<std::string>& listeners, metrics::Gauges& gauges) const {
        for (const std::string& name : listeners) {
            const auto found = connections_.find(name);
            gauges.connections_live.push_back(
                {name, found == connections_.end() ? 0 : found->second});
        }
        for (const auto& [key, count] : tls_) {
            const auto& [listener, side, version, cipher] = key;
            gauges.tls_connections_live.push_back(
                {std::string(listener), side, std::string(version), std::string(cipher), count});
        }
    }

  private:
    using Key = std::tuple<std::string_view, Side, std::string_view, std::string_view>;

    void add(std::string_view listener, Side side, const TlsFacts& tls) {
        if (tls.version.empty()) {
            ++tls_[{listener, side, "", ""}];
            return;
        }
        ++tls_[{listener,
                side,
                to_word(metrics::tls_version_from(tls.version)),
                to_word(metrics::cipher_from(tls.cipher))}];
    }

    std::map<std::string_view, std::uint64_t> connections_;
    std::map<Key, std::uint64_t> tls_;
};

} // namespace

void add_live(const SeenSessions& sessions,
              const std::vector<std::string>& listeners,
              metrics::Gauges& gauges) {
    LiveSums sums;
    for (const SeenSession& session : sessions)
        sums.add(*session.facts);
    sums.write(listeners, gauges);
}

} // namespace pgmoat::telemetry
