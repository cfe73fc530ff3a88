// One function per group of metrics, with the names, HELP texts and samples of its families. Every
// word of a closed list gets a sample, even if it is zero: rate() and increase() would miss the
// first event of a series that only appears with it.
#include "metrics/exporter.h"

#include "metrics/label_value.h"
#include "metrics/process.h"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>

#include <array>
#include <map>
#include <sstream>
#include <string_view>
#include <tuple>
#include <utility>

namespace pgmoat::metrics {

namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;

ClientMetric::Label label(std::string_view name, std::string_view value) {
    return {std::string(name), clean_label_value(value)};
}

using Labels = std::vector<ClientMetric::Label>;

// The families, in the order in which they are begun; samples are added to the last one.
class Page {
  public:
    void begin_counter(std::string_view name, std::string_view help) {
        begin(name, help, MetricType::Counter);
    }
    void begin_gauge(std::string_view name, std::string_view help) {
        begin(name, help, MetricType::Gauge);
    }
    void begin_histogram(std::string_view name, std::string_view help) {
        begin(name, help, MetricType::Histogram);
    }

    void sample(Labels labels, double value) {
        ClientMetric metric;
        metric.label = std::move(labels);
        metric.counter.value = value; // the serializer writes the one that the type names
        metric.gauge.value = value;
        families_.back().metric.push_back(std::move(metric));
    }
    void sample(Labels labels, std::uint64_t value) {
        sample(std::move(labels), static_cast<double>(value));
    }

    // One sample per word of a closed list.
    template <class Enum, std::size_t size>
    void samples(const Labels& shared,
                 std::string_view name,
                 const std::array<std::uint64_t, size>& counts) {
        for (std::size_t i = 0; i < size; ++i) {
            Labels labels = shared;
            labels.push_back(label(name, to_word(static_cast<Enum>(i))));
            sample(std::move(labels), counts[i]);
        }
    }

    void histogram(Labels labels,
                   const Histogram<std::uint64_t>& counts,
                   const Buckets& bounds,
                   double units_per_second = 1e6) {
        ClientMetric metric;
        metric.label = std::move(labels);
        std::uint64_t so_far = 0;
        for (std::size_t i = 0; i < bounds.size(); ++i) {
            so_far += counts.observations[i];
            metric.histogram.bucket.push_back({so_far, bounds[i]});
        }
        metric.histogram.sample_count = so_far + counts.observations.back();
        metric.histogram.sample_sum = static_cast<double>(counts.sum) / units_per_second;
        families_.back().metric.push_back(std::move(metric));
    }

    [[nodiscard]] std::string text() const {
        std::ostringstream out;
        prometheus::TextSerializer().Serialize(out, families_);
        return out.str();
    }

  private:
    void begin(std::string_view name, std::string_view help, MetricType type) {
        prometheus::MetricFamily family;
        family.name = name;
        family.help = help;
        family.type = type;
        families_.push_back(std::move(family));
    }

    std::vector<prometheus::MetricFamily> families_;
};

void write_build(Page& page, const BuildInfo& build) {
    page.begin_gauge("pgmoat_build_info", "What this process was built from; always 1.");
    page.sample({label("version", build.version),
                 label("revision", build.revision),
                 label("compiler", build.compiler),
                 label("openssl_build", build.openssl_build),
                 label("openssl_runtime", build.openssl_runtime)},
                1.0);
}

template <class Visit>
void for_each_mode(const Totals& totals, const Visit& visit) {
    for (const Totals::Listener& listener : totals.listeners) {
        for (std::size_t mode = 0; mode < mode_count; ++mode) {
            if (!listener.modes[mode]) continue;
            visit(listener.counts,
                  mode,
                  Labels{label("listener", listener.name),
                         label("mode", to_word(static_cast<Mode>(mode)))});
        }
    }
}

void write_connections(Page& page, const Totals& totals) {
    page.begin_counter("pgmoat_connections_opened_total", "Connections accepted.");
    for_each_mode(totals, [&page](const auto& counts, std::size_t mode, const Labels& labels) {
        page.sample(labels, counts.opened[mode]);
    });
    page.begin_counter("pgmoat_connections_closed_total", "Connections closed, by reason.");
    for_each_mode(totals, [&page](const auto& counts, std::size_t mode, const Labels& labels) {
        page.samples<CloseReason>(labels, "reason", counts.closed[mode]);
    });
    page.begin_histogram("pgmoat_connection_duration_seconds", "How long connections lasted.");
    for (const auto& listener : totals.listeners) {
        page.histogram(
            {label("listener", listener.name)}, listener.counts.connection, connection_buckets);
    }
    page.begin_counter(
        "pgmoat_bytes_total",
        "Bytes relayed: plaintext where TLS is terminated, ciphertext where it is passed through.");
    for (const auto& listener : totals.listeners) {
        page.samples<Direction>(
            {label("listener", listener.name)}, "direction", listener.counts.bytes);
    }
}

void write_messages(Page& page, const Totals& totals) {
    const auto for_each_listener = [&totals](const auto& visit) {
        for (const auto& listener : totals.listeners)
            visit(Labels{label("listener", listener.name)}, listener.counts);
    };
    page.begin_counter("pgmoat_queries_total",
                       "Query, Execute and FunctionCall messages of clients.");
    for_each_listener(
        [&page](const Labels& labels, const auto& counts) { page.sample(labels, counts.queries); });
    page.begin_counter("pgmoat_transactions_total", "Transactions, by how they ended.");
    for_each_listener([&page](const Labels& labels, const auto& counts) {
        page.samples<TransactionEnd>(labels, "state", counts.transactions);
    });
    page.begin_counter("pgmoat_messages_total",
                       "Messages after the login, by type, without rows of COPY.");
    for_each_listener([&page](Labels labels, const auto& counts) {
        labels.push_back(label("direction", to_word(Direction::from_client)));
        page.samples<ClientMessage>(labels, "type", counts.messages_from_client);
        labels.back() = label("direction", to_word(Direction::from_server));
        page.samples<ServerMessage>(labels, "type", counts.messages_from_server);
    });
    page.begin_counter("pgmoat_server_errors_total",
                       "Errors from servers after the login, by SQLSTATE class.");
    for_each_listener([&page](const Labels& labels, const auto& counts) {
        page.samples<SqlstateClass>(labels, "sqlstate_class", counts.server_errors);
    });
}

void write_live_connections(Page& page, const Gauges& gauges) {
    std::map<std::string, std::uint64_t> by_listener;
    for (const LiveConnections& live : gauges.connections_live) {
        by_listener[clean_label_value(live.listener)] += live.count;
    }
    page.begin_gauge("pgmoat_connections_live", "Open connections.");
    for (const auto& [listener, count] : by_listener) {
        page.sample({label("listener", listener)}, count);
    }
    page.begin_gauge("pgmoat_connections_limit",
                     "Limit of open connections over all listeners (max_connections).");
    page.sample({}, gauges.connections_limit);
}

void write_startup(Page& page, const Totals& totals) {
    page.begin_counter("pgmoat_startup_requests_total", "First requests of clients, by kind.");
    for (const auto& listener : totals.listeners) {
        page.samples<StartupKind>(
            {label("listener", listener.name)}, "kind", listener.counts.startup_requests);
    }
    page.begin_counter("pgmoat_startup_errors_total",
                       "Connections with invalid first packets, by reason.");
    for (const auto& listener : totals.listeners) {
        page.samples<StartupError>(
            {label("listener", listener.name)}, "reason", listener.counts.startup_errors);
    }
    page.begin_histogram("pgmoat_login_duration_seconds",
                         "From accept until the server was ready for the first query.");
    for (const auto& listener : totals.listeners) {
        page.histogram({label("listener", listener.name)}, listener.counts.login, login_buckets);
    }
}

void write_handshakes(Page& page, const Totals& totals) {
    page.begin_counter(
        "pgmoat_tls_handshakes_total",
        "Completed TLS handshakes, passed-through ones included, by negotiated parameters.");
    for (const auto& [kind, count] : totals.handshakes) {
        page.sample({label("listener", totals.listeners[kind.listener].name),
                     label("side", to_word(kind.side)),
                     label("version", to_word(kind.version)),
                     label("cipher", to_word(kind.cipher)),
                     label("group", to_word(kind.group)),
                     label("sni", to_word(kind.sni))},
                    count);
    }
    page.begin_counter("pgmoat_tls_handshake_failures_total", "Failed TLS handshakes, by reason.");
    for (const auto& listener : totals.listeners) {
        for (const Side side : {Side::client, Side::server}) {
            page.samples<HandshakeFailure>(
                {label("listener", listener.name), label("side", to_word(side))},
                "reason",
                listener.counts.handshake_failures[static_cast<std::size_t>(side)]);
        }
    }
    page.begin_histogram("pgmoat_tls_handshake_duration_seconds",
                         "Duration of TLS handshakes that pgmoat takes part in.");
    for (const Side side : {Side::client, Side::server}) {
        page.histogram({label("side", to_word(side))},
                       totals.process.handshake[static_cast<std::size_t>(side)],
                       handshake_buckets);
    }
    page.begin_histogram("pgmoat_client_certificate_remaining_seconds",
                         "Remaining validity of client certificates.");
    for (const auto& listener : totals.listeners) {
        page.histogram({label("listener", listener.name)},
                       listener.counts.certificate_remaining,
                       certificate_buckets,
                       1);
    }
    page.begin_gauge("pgmoat_tls_handshakes_in_flight",
                     "TLS handshakes in progress that pgmoat takes part in.");
    // The two sums are read one after the other: a handshake that ends in between must not give -1.
    const std::uint64_t began = totals.process.handshakes_began;
    const std::uint64_t ended = totals.process.handshakes_ended;
    page.sample({}, began > ended ? began - ended : 0);

    page.begin_counter("pgmoat_client_hello_offers_total",
                       "TLS versions offered in passed-through ClientHellos.");
    for (const auto& listener : totals.listeners) {
        if (!listener.modes[static_cast<std::size_t>(Mode::passthrough)]) continue;
        page.samples<TlsVersion>(
            {label("listener", listener.name)}, "version", listener.counts.offers);
    }
}

void write_live_tls(Page& page, const Gauges& gauges) {
    // Legs without TLS are included as `none`, so that the sum over versions and the sum over
    // ciphers are each the number of connections.
    constexpr std::string_view none = "none";
    using Kind = std::tuple<std::string, Side, std::string_view, std::string_view>;
    std::map<Kind, std::uint64_t> by_kind;
    for (const LiveTlsConnections& live : gauges.tls_connections_live) {
        const bool tls = !live.version.empty();
        by_kind[Kind{clean_label_value(live.listener),
                     live.side,
                     tls ? to_word(tls_version_from(live.version)) : none,
                     tls ? to_word(cipher_from(live.cipher)) : none}] += live.count;
    }
    page.begin_gauge("pgmoat_tls_connections_live",
                     "Open connections by TLS version and cipher of a leg; none: no TLS.");
    for (const auto& [kind, count] : by_kind) {
        const auto& [listener, side, version, cipher] = kind;
        page.sample({label("listener", listener),
                     label("side", to_word(side)),
                     label("version", version),
                     label("cipher", cipher)},
                    count);
    }
}

void write_upstreams(Page& page, const Totals& totals) {
    page.begin_counter("pgmoat_upstream_connects_total",
                       "Attempts to reach a server, TLS included, by result.");
    for (const auto& upstream : totals.upstreams) {
        page.samples<ConnectResult>(
            {label("upstream", upstream.name)}, "result", upstream.counts.connects);
    }
    page.begin_histogram("pgmoat_upstream_connect_duration_seconds",
                         "How long successful attempts to reach a server took, TLS included.");
    for (const auto& upstream : totals.upstreams) {
        page.histogram(
            {label("upstream", upstream.name)}, upstream.counts.connect, connect_buckets);
    }
    page.begin_counter(
        "pgmoat_upstream_wrong_role_total",
        "Logins on a server that another role was asked of, without a health check.");
    for (const auto& upstream : totals.upstreams)
        page.sample({label("upstream", upstream.name)}, upstream.counts.wrong_role);
}

void write_the_rest(Page& page, const Totals& totals) {
    const auto& process = totals.process;
    page.begin_counter("pgmoat_cancel_requests_total", "Cancel requests, by outcome.");
    page.samples<CancelOutcome>({}, "outcome", process.cancel_requests);
    page.begin_counter("pgmoat_scram_logins_total", "Logins through the SCRAM bridge, by outcome.");
    page.samples<ScramOutcome>({}, "outcome", process.scram_logins);
    page.begin_counter("pgmoat_accept_errors_total", "Failed accept() calls, by errno.");
    page.samples<AcceptError>({}, "errno", process.accept_errors);
    page.begin_counter("pgmoat_rate_limited_total", "Clients refused by a limit, by limit.");
    page.samples<Limit>({}, "limit", process.rate_limited);
    page.begin_counter("pgmoat_log_messages_dropped_total",
                       "Log messages dropped because the queue was full.");
    page.sample({}, process.log_messages_dropped);
    page.begin_counter("pgmoat_internal_errors_total",
                       "Internal errors outside of any connection; the process continued.");
    page.sample({}, process.internal_errors);
}

void write_addresses(Page& page, const AddressTableFacts& table) {
    page.begin_gauge(
        "pgmoat_addresses_at_limit",
        "Client addresses that are at a limit, or whose logins wait after failed ones.");
    for (const auto& [limit, count] : table.at_limit)
        page.sample({label("limit", to_word(limit))}, count);
    page.begin_gauge("pgmoat_address_table_entries", "Client addresses that can be remembered.");
    page.sample({}, table.entries);
    page.begin_gauge("pgmoat_address_table_used", "Client addresses that are remembered.");
    page.sample({}, table.used);
    page.begin_counter("pgmoat_address_table_evicted_total",
                       "Client addresses that were forgotten early to make room for others.");
    page.sample({}, table.evicted);
    page.begin_counter(
        "pgmoat_address_table_uncounted_total",
        "Connections that no limit counted: the table was full of connected addresses.");
    page.sample({}, table.uncounted);
}

void write_rules(Page& page, const Gauges& gauges) {
    const auto write_hits = [&page](const std::vector<RuleHits>& all) {
        for (const RuleHits& hits : all)
            page.sample({label("file", hits.file),
                         label("rule", hits.rule),
                         label("id", hits.id),
                         label("result", hits.result)},
                        hits.count);
    };
    page.begin_counter("pgmoat_rule_hits_total",
                       "Connections matched by an access rule, by rule and result.");
    write_hits(gauges.rule_hits);
    page.begin_counter("pgmoat_dry_run_hits_total",
                       "Connections matched by a rule of hba_dry_run_file, by rule and result.");
    write_hits(gauges.dry_run_hits);
    page.begin_counter("pgmoat_audit_hits_total",
                       "Deprecated: the old name of pgmoat_dry_run_hits_total.");
    write_hits(gauges.dry_run_hits);
    page.begin_gauge("pgmoat_rule_last_hit_timestamp_seconds",
                     "When an access rule last matched, in Unix time; no series: never.");
    for (const RuleLastHit& last : gauges.rule_last_hits)
        page.sample({label("file", last.file), label("rule", last.rule), label("id", last.id)},
                    static_cast<double>(last.time));
}

void write_certificates(Page& page, const std::vector<CertificateState>& files) {
    const auto about = [](const CertificateState& file) {
        return Labels{label("role", file.role), label("name", file.name)};
    };
    page.begin_gauge("pgmoat_certificate_not_after_timestamp_seconds",
                     "When the certificate in use expires, in Unix time.");
    for (const CertificateState& file : files)
        if (file.facts) page.sample(about(file), static_cast<double>(file.facts->not_after));
    page.begin_gauge("pgmoat_certificate_not_before_timestamp_seconds",
                     "Start of validity of the certificate in use, in Unix time.");
    for (const CertificateState& file : files)
        if (file.facts) page.sample(about(file), static_cast<double>(file.facts->not_before));
    page.begin_gauge("pgmoat_certificate_info", "The certificate in use; always 1.");
    for (const CertificateState& file : files) {
        if (!file.facts) continue;
        Labels labels = about(file);
        labels.push_back(label("serial", file.facts->serial));
        labels.push_back(label("subject_cn", file.facts->subject_cn));
        labels.push_back(label("issuer_cn", file.facts->issuer_cn));
        labels.push_back(label("key_type", file.facts->key_type));
        labels.push_back(label("sigalg", file.facts->signature_algorithm));
        page.sample(std::move(labels), 1.0);
    }
    page.begin_gauge("pgmoat_certificate_load_failed",
                     "1 when the file could not be loaded; the last good one is in use.");
    for (const CertificateState& file : files)
        page.sample(about(file), file.load_failed ? 1.0 : 0.0);
    page.begin_gauge("pgmoat_crl_next_update_timestamp_seconds",
                     "When the revocation list in use expires, in Unix time.");
    for (const CertificateState& file : files)
        if (file.next_update)
            page.sample({label("name", file.name)}, static_cast<double>(*file.next_update));
}

void write_upstream_certificates(Page& page, const std::vector<UpstreamCertificate>& hosts) {
    page.begin_gauge("pgmoat_upstream_certificate_not_after_timestamp_seconds",
                     "When the last certificate shown by a server expires, in Unix time.");
    for (const UpstreamCertificate& host : hosts)
        page.sample({label("upstream", host.upstream), label("host", host.host)},
                    static_cast<double>(host.not_after));
}

void write_upstream_roles(Page& page, const std::vector<UpstreamRole>& hosts) {
    constexpr std::array<std::string_view, 3> roles{"primary", "standby", "unknown"};
    const auto about = [](const UpstreamRole& host) {
        return Labels{label("upstream", host.upstream), label("host", host.host)};
    };
    page.begin_gauge(
        "pgmoat_upstream_role",
        "1 for the role of a server, by its health check or by the last login, else 0.");
    for (const UpstreamRole& host : hosts)
        for (const std::string_view role : roles) {
            Labels labels = about(host);
            labels.push_back(label("role", role));
            page.sample(std::move(labels), host.role == role ? 1.0 : 0.0);
        }
    page.begin_gauge("pgmoat_upstream_lag_bytes",
                     "How many bytes of WAL a standby is behind the primary.");
    for (const UpstreamRole& host : hosts)
        if (host.lag_bytes) page.sample(about(host), static_cast<double>(*host.lag_bytes));
    page.begin_gauge("pgmoat_upstream_health_check_successful",
                     "1 when the last health check of a server was answered.");
    for (const UpstreamRole& host : hosts)
        if (host.is_checked) page.sample(about(host), host.answers ? 1.0 : 0.0);
    page.begin_gauge("pgmoat_upstream_role_since_timestamp_seconds",
                     "Since when a server has its role, in Unix time.");
    for (const UpstreamRole& host : hosts)
        if (host.since != 0) page.sample(about(host), static_cast<double>(host.since));
}

void write_threads(Page& page, const Gauges& gauges) {
    page.begin_gauge("pgmoat_relay_load_ratio",
                     "Share of time that a relay thread is busy, from 0 to 1.");
    for (const RelayThread& thread : gauges.relay_threads)
        page.sample({label("thread", thread.name)}, thread.load);
    page.begin_gauge("pgmoat_event_loop_lag_seconds",
                     "The longest that an event waited for a thread in the last 10 to 20 s.");
    for (const ControlThread& thread : gauges.control_threads)
        page.sample({label("thread", thread.name)}, thread.lag_seconds);
    for (const RelayThread& thread : gauges.relay_threads)
        page.sample({label("thread", thread.name)}, thread.lag_seconds);
    page.begin_gauge("pgmoat_buffered_bytes",
                     "Bytes buffered in user space for peers that do not read.");
    page.sample({}, gauges.buffered_bytes);
}

void write_state(Page& page, const Gauges& gauges) {
    page.begin_gauge("pgmoat_config_last_reload_successful",
                     "1 if the last load of the configuration succeeded.");
    page.sample({}, gauges.last_reload_successful ? 1.0 : 0.0);
    page.begin_gauge("pgmoat_config_last_reload_success_timestamp_seconds",
                     "When the configuration in use was loaded, in Unix time.");
    page.sample({}, static_cast<double>(gauges.last_reload_success_time));
    page.begin_gauge("pgmoat_draining", "1 while draining.");
    page.sample({}, gauges.draining ? 1.0 : 0.0);
    page.begin_gauge("pgmoat_fips", "1 if OpenSSL runs with its FIPS provider.");
    page.sample({}, gauges.fips ? 1.0 : 0.0);
}

void write_process(Page& page) {
    const ProcessFacts facts = read_process_facts();
    const auto gauge = [&page](std::string_view name, std::string_view help, auto value) {
        if (!value) return;
        page.begin_gauge(name, help);
        page.sample({}, *value);
    };
    if (facts.cpu_seconds) {
        page.begin_counter("process_cpu_seconds_total", "User and system CPU time spent.");
        page.sample({}, *facts.cpu_seconds);
    }
    gauge("process_start_time_seconds",
          "Start of the process in Unix time.",
          facts.start_time_seconds);
    gauge("process_virtual_memory_bytes", "Virtual memory size.", facts.virtual_memory_bytes);
    gauge("process_resident_memory_bytes", "Resident memory size.", facts.resident_memory_bytes);
    gauge("process_threads", "Threads of the process.", facts.threads);
    gauge("process_open_fds", "Open file descriptors.", facts.open_fds);
    gauge("process_max_fds", "Limit of open file descriptors.", facts.max_fds);
}

} // namespace

Exporter::Exporter(const Counters& counters, std::function<Gauges()> read_gauges)
    : counters_(counters), read_gauges_(std::move(read_gauges)) {}

std::string Exporter::text() const {
    const Totals totals = counters_.sum();
    const Gauges gauges = read_gauges_();
    Page page;
    write_build(page, gauges.build);
    write_connections(page, totals);
    write_messages(page, totals);
    write_live_connections(page, gauges);
    write_startup(page, totals);
    write_handshakes(page, totals);
    write_live_tls(page, gauges);
    write_upstreams(page, totals);
    write_the_rest(page, totals);
    write_addresses(page, gauges.addresses);
    write_rules(page, gauges);
    write_certificates(page, gauges.certificates);
    write_upstream_roles(page, gauges.upstream_roles);
    write_upstream_certificates(page, gauges.upstream_certificates);
    write_threads(page, gauges);
    write_state(page, gauges);
    write_process(page);
    return page.text();
}

} // namespace pgmoat::metrics
