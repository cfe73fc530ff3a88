// Writes all metrics in Prometheus' text format. exporter.cpp is the only file that includes
// prometheus-cpp. Names and labels are an interface: users' dashboards and alerts depend on them.
#pragma once

#include "metrics/counters.h"
#include "metrics/labels.h"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pgmoat::metrics {

struct BuildInfo {
    std::string version;
    std::string revision;
    std::string compiler;
    std::string openssl_build;
    std::string openssl_runtime;
};

struct LiveConnections {
    std::string listener;
    std::uint64_t count = 0;
};

// Live connections by the TLS of a leg. Version and cipher are OpenSSL's names; empty: no TLS.
struct LiveTlsConnections {
    std::string listener;
    Side side = Side::client;
    std::string version;
    std::string cipher;
    std::uint64_t count = 0;
};

struct CertificateFacts {
    std::int64_t not_before = 0; // Unix seconds
    std::int64_t not_after = 0;
    std::string serial;
    std::string subject_cn;
    std::string issuer_cn;
    std::string key_type;
    std::string signature_algorithm;
};

// A file with certificates or a revocation list. The facts are those of the version in use.
struct CertificateState {
    std::string role; // see proxy/server/certificate_gauges.h
    std::string name; // the file as the configuration names it
    std::optional<CertificateFacts> facts;
    std::optional<std::int64_t> next_update; // of a revocation list; Unix seconds
    bool load_failed = false; // the file could not be loaded; the last good one is in use
};
// When the certificate or the revocation list expires.
[[nodiscard]] inline std::optional<std::int64_t> end_of(const CertificateState& state) {
    return state.facts ? std::optional(state.facts->not_after) : state.next_update;
}

// The certificate that a server sent most recently.
struct UpstreamCertificate {
    std::string upstream;
    std::string host;           // and port, as configured
    std::int64_t not_after = 0; // Unix seconds
};

// The role of a host, from its health check.
struct UpstreamRole {
    std::string upstream;
    std::string host;                       // and port, as configured
    std::string_view role;                  // primary, standby or unknown
    std::optional<std::uint64_t> lag_bytes; // of a standby
    bool answers = false;                   // the last check told
    std::int64_t since = 0; // Unix seconds: as long as it has that role; 0: none was seen yet
    bool is_checked = true; // else a login has shown the role
    std::int64_t seen = 0; // Unix seconds: since when the check answers or fails, or the last login
    std::string last_error = {};
    std::int64_t last_error_at = 0;
};

// Decisions of access rules. `file` and `rule` are a file name and a line, or "none" for
// connections that no rule matched. `id` stays the same when a reload moves the rule to another
// line, so that no series continues another rule's count. `result` is from a closed list.
struct RuleHits {
    std::string file;
    std::string rule;
    std::string id;
    std::string_view result;
    std::uint64_t count = 0;
};
struct RuleLastHit {
    std::string file;
    std::string rule;
    std::string id;
    std::int64_t time = 0; // Unix seconds
};

struct RelayThread {
    std::string name;
    double load = 0;        // 0 to 1
    double lag_seconds = 0; // the longest that an event recently had to wait
};
struct ControlThread {
    std::string name;
    double lag_seconds = 0;
};

// The table behind the limits for each client address.
struct AddressTableFacts {
    std::uint64_t entries = 0; // capacity, in addresses
    std::uint64_t used = 0;
    std::uint64_t evicted = 0;   // forgotten to make room
    std::uint64_t uncounted = 0; // connections not counted: no entry was free
    std::vector<std::pair<Limit, std::uint64_t>> at_limit; // addresses that are at each limit
};

// The state at the moment of a scrape, as opposed to counts. The server fills it in.
struct Gauges {
    BuildInfo build;
    std::vector<LiveConnections> connections_live; // one per listener, including idle ones
    std::uint64_t connections_limit = 0;           // max_connections
    std::vector<LiveTlsConnections> tls_connections_live;
    std::vector<CertificateState> certificates;
    std::vector<UpstreamCertificate> upstream_certificates; // each host once
    std::vector<UpstreamRole> upstream_roles; // each host whose role is known or asked for
    std::vector<RuleHits> rule_hits;          // each file, rule and result once
    std::vector<RuleHits> dry_run_hits;
    std::vector<RuleLastHit> rule_last_hits;
    std::vector<RelayThread> relay_threads;
    std::vector<ControlThread> control_threads;
    AddressTableFacts addresses;
    std::uint64_t buffered_bytes = 0;
    bool fips = false;
    bool draining = false;
    bool last_reload_successful = true;        // the start counts as a reload
    std::int64_t last_reload_success_time = 0; // Unix seconds
};

class Exporter {
  public:
    // `read_gauges` is called at each scrape, on the thread that scrapes; `counters` must outlive
    // this.
    Exporter(const Counters& counters, std::function<Gauges()> read_gauges);

    [[nodiscard]] std::string text() const;

  private:
    const Counters& counters_;
    std::function<Gauges()> read_gauges_;
};

} // namespace pgmoat::metrics
