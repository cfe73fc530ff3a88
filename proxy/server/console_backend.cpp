#include "proxy/server/console_backend.h"

#include "proxy/access/load_rules.h"
#include "proxy/hba/parse/hba_listing.h"
#include "protocol/shown_text.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <utility>

namespace pgmoat::server {

namespace {

// The console's rows are UTF-8, and drivers give up over one byte that is not: whoever connects
// must not be able to blind it.
void repair(telemetry::SessionFacts& facts) {
    constexpr std::size_t bytes_max = 256;
    for (std::string* text : {&facts.user,
                              &facts.database,
                              &facts.application_name,
                              &facts.client_tls.server_name,
                              &facts.client_tls.alpn})
        *text = protocol::make_visible(*text, bytes_max);
}

admin::RuleView view_of(const hba::Rule& rule) {
    hba::HbaRow row = hba::row_of(rule);
    const hba::RuleStats& stats = *rule.stats;
    return {rule.number,
            std::move(row.file_name),
            row.line_number,
            std::move(row.type),
            std::move(row.databases),
            std::move(row.users),
            std::move(row.address),
            std::move(row.netmask),
            std::move(row.auth_method),
            std::move(row.options),
            stats.allowed,
            stats.refused(),
            stats.last_hit};
}

} // namespace

// In the order in which they came, whatever the table's is.
std::vector<admin::Connection> ConsoleBackend::connections() const {
    std::vector<admin::Connection> connections;
    const auto now = std::chrono::steady_clock::now();
    const std::int64_t unix_now = std::time(nullptr);
    for (const telemetry::SeenSession& seen : table_.snapshot()) {
        const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - seen.opened);
        connections.push_back({seen.id,
                               *seen.facts,
                               seen.traffic.bytes_from_client,
                               seen.traffic.bytes_from_server,
                               age,
                               unix_now - age.count()});
    }
    for (admin::Connection& connection : connections)
        repair(connection.facts);
    std::ranges::sort(connections, {}, &admin::Connection::id);
    return connections;
}

std::vector<admin::OwnCertificateView> ConsoleBackend::certificates() const {
    const runtime::RuntimeConfig& setup = verbs_.setup();
    if (!setup.tls) return {};
    std::vector<admin::OwnCertificateView> views;
    for (const tls::OwnCertificate& own : setup.tls->certificates())
        views.push_back({own.file,
                         own.subject,
                         own.issuer,
                         own.serial,
                         own.dns_names,
                         own.not_before,
                         own.not_after});
    return views;
}

std::vector<admin::RuleView> ConsoleBackend::rules() const {
    std::vector<admin::RuleView> views;
    for (const auto& rules : access::distinct_rules(verbs_.setup().access, &runtime::Access::rules))
        for (const hba::Rule& rule : rules->rules)
            views.push_back(view_of(rule));
    return views;
}

} // namespace pgmoat::server
