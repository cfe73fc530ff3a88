#include "proxy/admin/console/status_rows.h"

#include "proxy/admin/console/connection_rows.h"
#include "proxy/admin/console/text_values.h"
#include "proxy/config/host_template.h"
#include "tls/context.h"

#include <algorithm>
#include <functional>
#include <numeric>
#include <optional>
#include <string>
#include <utility>

namespace pgmoat::admin {

namespace {

using metrics::CloseReason;
using metrics::Direction;
using metrics::Mode;
using metrics::Side;

std::uint64_t count(const std::vector<Connection>& connections,
                    const std::function<bool(const telemetry::SessionFacts&)>& wanted) {
    return static_cast<std::uint64_t>(std::ranges::count_if(
        connections, [&](const Connection& connection) { return wanted(connection.facts); }));
}

std::string join(const std::vector<std::string>& elements) {
    std::string text;
    for (const std::string& element : elements)
        text += (text.empty() ? "" : ",") + element;
    return text;
}

Cell array_unless_empty(const std::vector<std::string>& elements) {
    return elements.empty() ? Cell() : Cell(array_text(elements));
}

std::uint64_t sum(const auto& cells) {
    return std::accumulate(cells.begin(), cells.end(), std::uint64_t{0});
}

std::uint64_t closed(const metrics::Totals::Listener& listener, CloseReason reason) {
    std::uint64_t total = 0;
    for (const auto& of_mode : listener.counts.closed)
        total += of_mode[static_cast<std::size_t>(reason)];
    return total;
}

std::uint64_t all_closed(const metrics::Totals::Listener& listener) {
    std::uint64_t total = 0;
    for (const auto& of_mode : listener.counts.closed)
        total += sum(of_mode);
    return total;
}

std::uint64_t handshakes(const metrics::Totals& totals, std::size_t listener) {
    const auto client = static_cast<std::size_t>(Side::client);
    std::uint64_t total = totals.listeners[listener].counts.handshakes_beyond_table[client];
    for (const auto& [kind, times] : totals.handshakes)
        if (kind.listener == listener && kind.side == Side::client) total += times;
    return total;
}

Row stats_row(const metrics::Totals& totals, std::size_t index) {
    const metrics::Totals::Listener& listener = totals.listeners[index];
    const auto& counts = listener.counts;
    const auto client = static_cast<std::size_t>(Side::client);
    return {to_cell(listener.name),
            to_cell(sum(counts.opened)),
            to_cell(all_closed(listener)),
            to_cell(sum(counts.startup_errors)),
            to_cell(handshakes(totals, index)),
            to_cell(sum(counts.handshake_failures[client])),
            to_cell(closed(listener, CloseReason::denied)),
            to_cell(closed(listener, CloseReason::upstream_failed)),
            to_cell(closed(listener, CloseReason::login_failed)),
            to_cell(counts.bytes[static_cast<std::size_t>(Direction::from_client)]),
            to_cell(counts.bytes[static_cast<std::size_t>(Direction::from_server)])};
}

std::string_view word_of(const UpstreamHostView& host) {
    if (host.since == 0) return "untried";
    return host.up ? "up" : "down";
}

Row hba_row(const RuleView& rule) {
    return {std::to_string(rule.number),
            to_cell(rule.file),
            std::to_string(rule.line),
            to_cell(rule.type),
            to_cell(array_text(rule.databases)),
            to_cell(array_text(rule.users)),
            unless_empty(rule.address),
            unless_empty(rule.netmask),
            to_cell(rule.method),
            array_unless_empty(rule.options)};
}

} // namespace

std::vector<Row> listener_rows(const config::Config& config,
                               const std::vector<Connection>& connections) {
    std::vector<Row> rows;
    for (const config::Listener& listener : config.listeners)
        rows.push_back({to_cell(listener.name),
                        unless_empty(join(listener.addresses)),
                        std::to_string(listener.port),
                        unless_empty(join(listener.unix_directories)),
                        to_cell(config::name_of(listener.tls_mode)),
                        to_cell(listener.upstream),
                        to_cell(count(connections, [&](const telemetry::SessionFacts& facts) {
                            return facts.listener == listener.name;
                        }))});
    return rows;
}

std::vector<Row> upstream_rows(const Snapshot& snapshot) {
    std::vector<Row> rows;
    const std::vector<UpstreamHostView> known = snapshot.upstream_hosts();
    for (const auto& [name, upstream] : snapshot.config().upstreams)
        for (const config::UpstreamHost& host : upstream.hosts) {
            const std::string& shown =
                host.host.empty() ? host.hostaddr : config::shown_host(host.host);
            const auto found =
                std::ranges::find_if(known, [&, &name = name](const UpstreamHostView& each) {
                    return each.upstream == name && each.host == shown && each.port == host.port;
                });
            const UpstreamHostView state = found == known.end() ? UpstreamHostView{} : *found;
            rows.push_back(
                {to_cell(name),
                 to_cell(shown),
                 std::to_string(host.port),
                 to_cell(config::name_of(upstream.sslmode)),
                 to_cell(count(
                     snapshot.connections(),
                     [&, &name = name, &upstream = upstream](const telemetry::SessionFacts& facts) {
                         return facts.backend.upstream == name &&
                                (upstream.groups > 0 || facts.backend.host == shown) &&
                                facts.backend.port == host.port;
                     })),
                 to_cell(state.reached),
                 to_cell(state.failed),
                 unless_empty(state.last_error),
                 time_text(state.last_error_at),
                 to_cell(word_of(state)),
                 time_text(state.since),
                 unless_empty(state.address),
                 time_text(state.certificate_not_after),
                 unless_empty(state.role),
                 time_text(state.role_since),
                 state.lag_bytes ? to_cell(*state.lag_bytes) : Cell(),
                 unless_empty(state.health),
                 time_text(state.health_since),
                 unless_empty(state.health_error),
                 time_text(state.health_error_at)});
        }
    return rows;
}

std::vector<Row> rule_rows(const std::vector<RuleView>& rules) {
    std::vector<Row> rows;
    for (const RuleView& rule : rules) {
        rows.push_back(hba_row(rule));
        for (Cell cell : {to_cell(rule.hits), to_cell(rule.refused), time_text(rule.last_hit)})
            rows.back().push_back(std::move(cell));
    }
    return rows;
}

std::vector<Row> pg_hba_file_rules_rows(const std::vector<RuleView>& rules) {
    std::vector<Row> rows;
    for (const RuleView& rule : rules) {
        rows.push_back(hba_row(rule));
        rows.back().emplace_back();
    }
    return rows;
}

std::vector<Row> certificate_rows(const std::vector<OwnCertificateView>& certificates) {
    std::vector<Row> rows;
    for (const OwnCertificateView& certificate : certificates)
        rows.push_back({to_cell(certificate.file),
                        to_cell(certificate.subject),
                        unless_empty(join(certificate.dns_names)),
                        to_cell(certificate.issuer),
                        unless_empty(certificate.serial),
                        time_text(certificate.not_before),
                        time_text(certificate.not_after)});
    return rows;
}

std::vector<Row> stats_rows(const metrics::Totals& totals) {
    std::vector<Row> rows;
    for (std::size_t index = 0; index < totals.listeners.size(); ++index)
        rows.push_back(stats_row(totals, index));
    return rows;
}

std::vector<Row> limit_rows(const telemetry::LimitStates& states) {
    const auto number = [](const std::optional<std::uint64_t>& value) {
        return value ? to_cell(*value) : Cell();
    };
    std::vector<Row> rows;
    for (const telemetry::LimitState& limit : states.limits)
        rows.push_back({to_cell(limit.name),
                        unless_empty(limit.setting),
                        number(limit.now),
                        number(limit.addresses),
                        to_cell(limit.refused),
                        array_unless_empty(limit.most_refused)});
    return rows;
}

std::vector<Row> address_rows(const telemetry::LimitStates& states) {
    std::vector<Row> rows;
    for (const telemetry::AddressState& address : states.addresses)
        rows.push_back({to_cell(address.address),
                        to_cell(address.connections),
                        to_cell(address.refused),
                        to_cell(address.failed_logins),
                        to_cell(address.delayed),
                        to_cell(address.waiting)});
    return rows;
}

std::vector<Row> version_rows() {
    return {{to_cell("pgmoat " PGMOAT_VERSION),
             to_cell(tls::build_version()),
             to_cell(tls::runtime_version())}};
}

} // namespace pgmoat::admin
