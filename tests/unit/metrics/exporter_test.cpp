// The text that Prometheus reads: names, labels and values.
#include "metrics/exporter.h"
#include "metrics/label_value.h"
#include "metrics/limits.h"
#include "tests/support/catch.h"

#include <ctime>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

using namespace pgmoat::metrics;
using namespace std::chrono_literals;

namespace {

std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream stream(text);
    for (std::string line; std::getline(stream, line);)
        lines.push_back(line);
    return lines;
}

std::string name_in(const std::string& sample) {
    return sample.substr(0, sample.find_first_of("{ "));
}

// The lines of one family without its comments.
std::string family(const std::string& text, const std::string& name) {
    std::string found;
    for (const std::string& line : lines_of(text)) {
        if (name_in(line) == name) found += line + "\n";
    }
    return found;
}

std::string value_of(const std::string& text, const std::string& series) {
    for (const std::string& line : lines_of(text)) {
        if (line.rfind(series + " ", 0) == 0) return line.substr(series.size() + 1);
    }
    return "absent";
}

struct Fixture {
    Counters counters;
    Gauges gauges;
    Exporter exporter{counters, [this] { return gauges; }};
    ListenerId edge = counters.add_listener("edge", Mode::terminate);
    UpstreamId db = counters.add_upstream("db");
    Block& block = counters.block_of_this_thread();
};

} // namespace

TEST_CASE("Counts appear under their name and labels") {
    Fixture f;
    f.block.connection_opened(f.edge, Mode::terminate);
    f.block.connection_closed(f.edge, Mode::terminate, CloseReason::server_closed);
    f.block.startup_request(f.edge, StartupKind::ssl);
    f.block.startup_error(f.edge, StartupError::timeout);
    f.block.tls_handshake_failed(f.edge, Side::client, HandshakeFailure::no_shared_cipher);
    f.block.bytes(f.edge, Direction::from_server, 9'007'199'254);
    f.block.queries(f.edge, 2);
    f.block.messages_from_client(f.edge, 'Q', 2);
    f.block.messages_from_server(f.edge, 'D', 100);
    f.block.messages_from_server(f.edge, '?', 1);
    f.block.transaction_ended(f.edge, TransactionEnd::rolled_back);
    f.block.server_error(f.edge, "42");
    f.block.upstream_connect(f.db, ConnectResult::tls_failed, 1ms);
    f.block.cancel_request(CancelOutcome::forwarded);
    f.block.scram_login(ScramOutcome::ok);
    f.block.rate_limited(Limit::max_connections);
    f.block.accept_failed(EMFILE);
    f.block.log_messages_dropped(3);
    f.block.internal_error();

    const std::string text = f.exporter.text();
    const std::map<std::string, std::string> expected = {
        {R"(pgmoat_connections_opened_total{listener="edge",mode="terminate"})", "1"},
        {R"(pgmoat_connections_closed_total{listener="edge",mode="terminate",reason="server_closed"})",
         "1"},
        {R"(pgmoat_startup_requests_total{listener="edge",kind="ssl"})", "1"},
        {R"(pgmoat_startup_errors_total{listener="edge",reason="timeout"})", "1"},
        {R"(pgmoat_tls_handshake_failures_total{listener="edge",side="client",reason="no_shared_cipher"})",
         "1"},
        {R"(pgmoat_bytes_total{listener="edge",direction="from_server"})", "9007199254"},
        {R"(pgmoat_queries_total{listener="edge"})", "2"},
        {R"(pgmoat_messages_total{listener="edge",direction="from_client",type="query"})", "2"},
        {R"(pgmoat_messages_total{listener="edge",direction="from_server",type="data_row"})",
         "100"},
        {R"(pgmoat_messages_total{listener="edge",direction="from_server",type="other"})", "1"},
        {R"(pgmoat_transactions_total{listener="edge",state="rolled_back"})", "1"},
        {R"(pgmoat_server_errors_total{listener="edge",sqlstate_class="42"})", "1"},
        {R"(pgmoat_upstream_connects_total{upstream="db",result="tls_failed"})", "1"},
        {R"(pgmoat_scram_logins_total{outcome="ok"})", "1"},
        {R"(pgmoat_cancel_requests_total{outcome="forwarded"})", "1"},
        {R"(pgmoat_rate_limited_total{limit="max_connections"})", "1"},
        {R"(pgmoat_accept_errors_total{errno="EMFILE"})", "1"},
        {"pgmoat_log_messages_dropped_total", "3"},
        {"pgmoat_internal_errors_total", "1"},
    };
    for (const auto& [series, value] : expected) {
        INFO(series);
        CHECK(value_of(text, series) == value);
    }
}

TEST_CASE("The table of client addresses appears, and how many are at each limit") {
    Fixture f;
    f.gauges.addresses = {1024, 12, 3, 1, {{Limit::logins_per_address, 5}}};
    const std::string text = f.exporter.text();
    CHECK(value_of(text, R"(pgmoat_addresses_at_limit{limit="logins_per_address"})") == "5");
    CHECK(value_of(text, "pgmoat_address_table_entries") == "1024");
    CHECK(value_of(text, "pgmoat_address_table_used") == "12");
    CHECK(value_of(text, "pgmoat_address_table_evicted_total") == "3");
    CHECK(value_of(text, "pgmoat_address_table_uncounted_total") == "1");
}

TEST_CASE("A handshake appears with what was negotiated") {
    Fixture f;
    f.block.tls_handshake(f.edge,
                          {.side = Side::server,
                           .version = "TLSv1.3",
                           .cipher = "TLS_AES_256_GCM_SHA384",
                           .group = "X25519",
                           .sni = Sni::absent});
    CHECK(family(f.exporter.text(), "pgmoat_tls_handshakes_total") ==
          R"(pgmoat_tls_handshakes_total{listener="edge",side="server",version="TLSv1.3",)"
          R"(cipher="TLS_AES_256_GCM_SHA384",group="X25519",sni="absent"} 1)"
          "\n");
}

TEST_CASE("What has not happened yet is there as zero") {
    const Fixture f;
    const std::string text = f.exporter.text();
    CHECK(
        value_of(
            text,
            R"(pgmoat_tls_handshake_failures_total{listener="edge",side="client",reason="plaintext_injected"})") ==
        "0");
    CHECK(
        value_of(
            text,
            R"(pgmoat_connections_closed_total{listener="edge",mode="terminate",reason="drain"})") ==
        "0");
}

TEST_CASE("Only the modes that a listener had appear") {
    Fixture f;
    const auto opened = [&f] {
        return lines_of(family(f.exporter.text(), "pgmoat_connections_opened_total")).size();
    };
    CHECK(opened() == 1);
    (void)f.counters.add_listener("edge", Mode::passthrough);
    CHECK(opened() == 2);
}

TEST_CASE("Offers of ClientHellos appear for listeners that pass TLS through") {
    Fixture f;
    CHECK(family(f.exporter.text(), "pgmoat_client_hello_offers_total").empty());
    const ListenerId through = f.counters.add_listener("through", Mode::passthrough);
    f.block.client_hello_offered(through, "TLSv1.3");
    CHECK(value_of(f.exporter.text(),
                   R"(pgmoat_client_hello_offers_total{listener="through",version="TLSv1.3"})") ==
          "1");
}

TEST_CASE("A histogram's buckets are cumulative and end in the count") {
    Fixture f;
    f.block.tls_handshake_took(Side::client, 400us);
    f.block.tls_handshake_took(Side::client, 2ms);
    f.block.tls_handshake_took(Side::client, 60s);
    const std::string text = f.exporter.text();
    const std::string name = "pgmoat_tls_handshake_duration_seconds";
    CHECK(value_of(text, name + R"(_bucket{side="client",le="0.0005"})") == "1");
    CHECK(value_of(text, name + R"(_bucket{side="client",le="0.001"})") == "1");
    CHECK(value_of(text, name + R"(_bucket{side="client",le="0.002"})") == "2");
    CHECK(value_of(text, name + R"(_bucket{side="client",le="16.384"})") == "2");
    CHECK(value_of(text, name + R"(_bucket{side="client",le="+Inf"})") == "3");
    CHECK(value_of(text, name + R"(_count{side="client"})") == "3");
    CHECK(value_of(text, name + R"(_sum{side="client"})") == "60.0024");
}

TEST_CASE("How long clients' certificates remain is observed in seconds, years too") {
    Fixture f;
    f.block.client_certificate_remains(f.edge, -1h);
    f.block.client_certificate_remains(f.edge, 24h * 20);
    f.block.client_certificate_remains(f.edge, 24h * 365 * 100);
    const std::string text = f.exporter.text();
    const std::string name = "pgmoat_client_certificate_remaining_seconds";
    CHECK(value_of(text, name + R"(_bucket{listener="edge",le="0"})") == "1");
    CHECK(value_of(text, name + R"(_bucket{listener="edge",le="1209600"})") == "1");
    CHECK(value_of(text, name + R"(_bucket{listener="edge",le="1814400"})") == "2");
    CHECK(value_of(text, name + R"(_count{listener="edge"})") == "3");
    CHECK(value_of(text, name + R"(_sum{listener="edge"})") == "3155328000");
}

TEST_CASE("The gauges tell what the server says") {
    Fixture f;
    f.gauges.build = {"0.1.0", "abc", "g++ 12", "3.0.1", "3.0.2"};
    f.gauges.connections_live = {{"edge", 3}, {"idle", 0}};
    f.gauges.connections_limit = 1000;
    f.gauges.tls_connections_live = {{"edge", Side::client, "TLSv1.3", "AES128-SHA", 2},
                                     {"edge", Side::client, "new", "unheard of", 1},
                                     {"edge", Side::client, "newer", "of", 1},
                                     {"edge", Side::client, "", "", 4}};
    f.gauges.certificates = {
        {"server",
         "server.crt",
         CertificateFacts{1'700'000'000, 1'893'456'000, "17", "db", "CA", "EC-256", "sha256"},
         std::nullopt,
         false},
        {"server", "gone.crt", std::nullopt, std::nullopt, true},
        {"crl", "root.crl", std::nullopt, 1'800'000'000, false}};
    f.gauges.upstream_certificates = {{"db", "a.example:5432", 1'893'456'000}};
    f.gauges.relay_threads = {{"relay-0", 0.25, 0.5}};
    f.gauges.control_threads = {{"control-0", 2}};
    f.gauges.buffered_bytes = 4096;
    f.gauges.fips = true;
    f.gauges.draining = true;
    f.gauges.last_reload_successful = false;
    f.gauges.last_reload_success_time = 1'700'000'000;
    f.block.tls_handshake_began();

    const std::string text = f.exporter.text();
    const std::map<std::string, std::string> expected = {
        {R"(pgmoat_build_info{version="0.1.0",revision="abc",compiler="g++ 12",openssl_build="3.0.1",openssl_runtime="3.0.2"})",
         "1"},
        {R"(pgmoat_connections_live{listener="edge"})", "3"},
        {R"(pgmoat_connections_live{listener="idle"})", "0"},
        {"pgmoat_connections_limit", "1000"},
        {R"(pgmoat_tls_connections_live{listener="edge",side="client",version="TLSv1.3",cipher="AES128-SHA"})",
         "2"},
        {R"(pgmoat_tls_connections_live{listener="edge",side="client",version="other",cipher="other"})",
         "2"},
        {R"(pgmoat_certificate_not_after_timestamp_seconds{role="server",name="server.crt"})",
         "1893456000"},
        {R"(pgmoat_certificate_not_after_timestamp_seconds{role="server",name="gone.crt"})",
         "absent"},
        {R"(pgmoat_tls_connections_live{listener="edge",side="client",version="none",cipher="none"})",
         "4"},
        {R"(pgmoat_certificate_not_before_timestamp_seconds{role="server",name="server.crt"})",
         "1700000000"},
        {R"(pgmoat_certificate_info{role="server",name="server.crt",serial="17",subject_cn="db",issuer_cn="CA",key_type="EC-256",sigalg="sha256"})",
         "1"},
        {R"(pgmoat_crl_next_update_timestamp_seconds{name="root.crl"})", "1800000000"},
        {R"(pgmoat_certificate_load_failed{role="crl",name="root.crl"})", "0"},
        {R"(pgmoat_upstream_certificate_not_after_timestamp_seconds{upstream="db",host="a.example:5432"})",
         "1893456000"},
        {R"(pgmoat_relay_load_ratio{thread="relay-0"})", "0.25"},
        {R"(pgmoat_event_loop_lag_seconds{thread="relay-0"})", "0.5"},
        {R"(pgmoat_event_loop_lag_seconds{thread="control-0"})", "2"},
        {"pgmoat_buffered_bytes", "4096"},
        {"pgmoat_fips", "1"},
        {R"(pgmoat_certificate_load_failed{role="server",name="server.crt"})", "0"},
        {R"(pgmoat_certificate_load_failed{role="server",name="gone.crt"})", "1"},
        {"pgmoat_draining", "1"},
        {"pgmoat_config_last_reload_successful", "0"},
        {"pgmoat_config_last_reload_success_timestamp_seconds", "1700000000"},
        {"pgmoat_tls_handshakes_in_flight", "1"},
    };
    for (const auto& [series, value] : expected) {
        INFO(series);
        CHECK(value_of(text, series) == value);
    }
}

TEST_CASE("What a dry run counts is exported under its old name as well, which says so") {
    Fixture f;
    f.gauges.dry_run_hits = {{"next.conf", "3", "5c2e", "deny", 7}};
    const std::string text = f.exporter.text();
    const std::string labels = R"({file="next.conf",rule="3",id="5c2e",result="deny"})";
    CHECK(value_of(text, "pgmoat_dry_run_hits_total" + labels) == "7");
    CHECK(value_of(text, "pgmoat_audit_hits_total" + labels) == "7");
    CHECK(text.find("# HELP pgmoat_audit_hits_total Deprecated: ") != std::string::npos);
}

TEST_CASE("The process tells about itself") {
    const Fixture f;
    const std::string text = f.exporter.text();
    const auto number = [&text](const std::string& name) {
        return std::stod(value_of(text, name));
    };
    CHECK(number("process_start_time_seconds") > 1.6e9);
    CHECK(number("process_start_time_seconds") <= static_cast<double>(std::time(nullptr)) + 1);
    CHECK(number("process_cpu_seconds_total") >= 0);
    CHECK(number("process_resident_memory_bytes") > 100'000);
    CHECK(number("process_virtual_memory_bytes") >= number("process_resident_memory_bytes"));
    CHECK(number("process_threads") >= 1);
    CHECK(number("process_open_fds") >= 3);
    CHECK(number("process_open_fds") <= number("process_max_fds"));
}

TEST_CASE("Every family has one HELP, one TYPE, and no series comes twice") {
    Fixture f;
    (void)f.counters.add_listener("edge", Mode::passthrough);
    std::map<std::string, int> helps;
    std::map<std::string, int> types;
    std::set<std::string> series;
    for (const std::string& line : lines_of(f.exporter.text())) {
        if (line.rfind("# HELP ", 0) == 0) {
            ++helps[name_in(line.substr(7))];
        } else if (line.rfind("# TYPE ", 0) == 0) {
            ++types[name_in(line.substr(7))];
        } else {
            INFO(line);
            CHECK(series.insert(line.substr(0, line.rfind(' '))).second);
        }
    }
    CHECK(helps == types);
    CHECK(helps.size() > 30);
    for (const auto& [name, count] : helps) {
        INFO(name);
        CHECK(count == 1);
    }
}

TEST_CASE("Names that are no clean text harm no scrape") {
    Counters counters;
    Gauges gauges;
    const std::string evil = "a\"}\n\\ \xFF";
    gauges.connections_live = {{evil, 1}};
    (void)counters.add_listener(evil, Mode::terminate);
    const Exporter exporter(counters, [&] { return gauges; });

    const std::string clean = "a\\\"}\xEF\xBF\xBD\\\\ \xEF\xBF\xBD";
    const std::string text = exporter.text();
    CHECK(value_of(text, "pgmoat_connections_live{listener=\"" + clean + "\"}") == "1");
    CHECK(value_of(text,
                   "pgmoat_connections_opened_total{listener=\"" + clean +
                       "\",mode=\"terminate\"}") == "0");
}

namespace {

// Puts `text` in each place whose text is not from a closed list.
Gauges gauges_of(const std::string& text) {
    Gauges gauges;
    gauges.build = {text, text, text, text, text};
    gauges.connections_live = {{text, 1}};
    gauges.tls_connections_live = {{text, Side::client, text, text, 2}};
    gauges.certificates = {
        {text, text, CertificateFacts{1, 2, text, text, text, text, text}, 3, false}};
    gauges.upstream_certificates = {{text, text, 5}};
    gauges.rule_hits = {{text, text, text, text, 7}};
    gauges.dry_run_hits = gauges.rule_hits;
    gauges.rule_last_hits = {{text, text, text, 5}};
    gauges.relay_threads = {{text, 0.25, 0.5}};
    gauges.control_threads = {{text + "-control", 2}};
    return gauges;
}

// Reads `a="1",b="2"` between a sample's braces, by Prometheus' grammar. False: invalid.
bool read_labels(std::string_view sample, std::vector<std::string>& values) {
    std::size_t at = sample.find('{');
    if (at == std::string_view::npos) return true;
    while (sample[at] != '}') {
        at = sample.find("=\"", at);
        if (at == std::string_view::npos) return false;
        std::string value;
        for (at += 2; at < sample.size() && sample[at] != '"'; ++at) {
            if (sample[at] == '\\') ++at;
            value += sample[at];
        }
        values.push_back(value);
        if (++at >= sample.size()) return false;
    }
    return true;
}

} // namespace

TEST_CASE("Whatever the text of a label is, a scrape reads it, and it has an end") {
    const std::vector<std::string> texts{std::string("\0\1\t\r\n\x1b[31m\x7f", 11),
                                         "a\"}\n\\ {x=\"y\"} 1",
                                         "\xFF\xC3\xA4\xC3\xED\xA0\x80\xF5",
                                         std::string(100'000, 'n'),
                                         std::string(label_value_bytes_max - 1, 'n') + "\xC3\xA4",
                                         std::string(5000, '\xFF'),
                                         ""};
    for (const std::string& text : texts) {
        Counters counters;
        (void)counters.add_listener(text, Mode::terminate);
        (void)counters.add_upstream(text);
        const Gauges gauges = gauges_of(text);
        std::set<std::string> series;
        std::set<std::string> families;
        for (const std::string& line :
             lines_of(Exporter(counters, [&] { return gauges; }).text())) {
            if (line.starts_with('#')) continue;
            INFO(line);
            std::vector<std::string> values;
            REQUIRE(read_labels(line, values));
            for (const std::string& value : values) {
                CHECK(value.size() <= label_value_bytes_max);
                CHECK(clean_label_value(value) == value);
            }
            CHECK(series.insert(line.substr(0, line.rfind(' '))).second);
            families.insert(name_in(line));
        }
        CHECK(families.contains("pgmoat_certificate_info"));
        CHECK(families.contains("pgmoat_rule_hits_total"));
    }
}

TEST_CASE("Names that differ only near their end have series of their own") {
    const std::string text(1000, 'n');
    Counters counters;
    (void)counters.add_upstream(text + "1");
    (void)counters.add_upstream(text + "2");
    const Exporter exporter(counters, [] { return Gauges{}; });
    std::set<std::string> series;
    for (const std::string& line : lines_of(exporter.text()))
        if (!line.starts_with('#')) CHECK(series.insert(line.substr(0, line.rfind(' '))).second);
}

TEST_CASE("The number of series does not depend on what clients send") {
    Fixture f;
    const auto handshake_from_client = [&f](const std::string& text) {
        f.block.tls_handshake(f.edge, {.version = text, .cipher = text, .group = text});
        f.block.client_hello_offered(f.edge, text);
        f.block.messages_from_client(f.edge, static_cast<std::uint8_t>(text.back()), 1);
        f.block.messages_from_server(f.edge, static_cast<std::uint8_t>(text.back()), 1);
        f.block.server_error(f.edge, text);
    };
    const auto series = [&f] { return lines_of(f.exporter.text()).size(); };
    handshake_from_client("the first");
    const std::size_t before = series();
    for (int i = 0; i < 100'000; ++i)
        handshake_from_client(std::to_string(i));
    CHECK(series() == before);
}
