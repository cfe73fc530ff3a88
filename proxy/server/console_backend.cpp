#include "proxy/server/console_backend.h"

#include "protocol/shown_text.h"
#include "proxy/access/limit_states.h"
#include "proxy/access/load_rules.h"
#include "proxy/admin/console/text_values.h"
#include "proxy/hba/parse/hba_listing.h"

#include <algorithm>
#include <chrono>
#include <ctime>
#include <optional>
#include <utility>

namespace pgmoat::server {

namespace {

constexpr std::size_t shown_bytes_max = 256;

// The console's rows are UTF-8, and drivers fail on a single invalid byte. No client may break the
// console by sending one.
void repair(telemetry::SessionFacts& facts) {
    for (std::string* text : {&facts.user,
                              &facts.database,
                              &facts.application_name,
                              &facts.client_tls.server_name,
                              &facts.client_tls.alpn})
        *text = protocol::make_visible(*text, shown_bytes_max);
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

// Sorted by id, that is by time of arrival; the table has no order.
std::vector<admin::Connection> all_connections(const telemetry::SessionTable& table) {
    std::vector<admin::Connection> connections;
    const auto now = std::chrono::steady_clock::now();
    const std::int64_t unix_now = std::time(nullptr);
    for (const telemetry::SeenSession& seen : table.snapshot()) {
        const auto age = std::chrono::duration_cast<std::chrono::seconds>(now - seen.opened);
        connections.push_back({seen.id,
                               {*seen.facts, seen.own},
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

void add_role(admin::UpstreamHostView& view, const runtime::HostRole& role) {
    view.role = to_word(role.role);
    view.role_since = role.since;
    view.lag_bytes = role.lag_bytes;
    view.health = role.answers_since == 0 ? "waiting" : role.answers ? "ok" : "failing";
    view.health_since = role.answers_since;
    view.health_error = protocol::make_visible(role.last_error, shown_bytes_max);
    view.health_error_at = role.last_error_at;
}

// Without a check: `health` says where the role is from, and when it was seen last.
void add_role(admin::UpstreamHostView& view, const runtime::LearntRole& role) {
    view.role = to_word(role.role);
    view.role_since = role.since;
    view.health = "by login";
    view.health_since = role.seen;
}

bool learns_roles(const runtime::RuntimeConfig& setup, const std::string& upstream) {
    const auto found = setup.upstreams.find(upstream);
    return found != setup.upstreams.end() && !setup.config.health.contains(upstream) &&
           found->second->conninfo.target_session_attrs != config::SessionAttrs::any;
}

std::vector<admin::UpstreamHostView> views_of(const ConsoleSources& sources,
                                              const runtime::RuntimeConfig& setup) {
    auto all = sources.hosts.all();
    const auto known = sources.roles.all();
    const auto learnt = sources.learnt_roles.all();
    for (const auto& [name, role] : known)
        all.try_emplace(name); // also hosts that no client was sent to yet
    std::vector<admin::UpstreamHostView> views;
    for (const auto& [name, state] : all) {
        views.push_back({name.upstream,
                         name.host,
                         name.port,
                         state.up,
                         state.since,
                         state.address,
                         state.reached,
                         state.failed,
                         protocol::make_visible(state.last_error, shown_bytes_max),
                         state.last_error_at,
                         state.certificate_not_after.value_or(0)});
        if (const auto found = known.find(name); found != known.end())
            add_role(views.back(), found->second);
        else if (const auto shown = learnt.find(name);
                 shown != learnt.end() && learns_roles(setup, name.upstream))
            add_role(views.back(), shown->second);
    }
    return views;
}

// For one caller at a time. Expensive parts are computed on first use.
class ServerSnapshot final : public admin::Snapshot {
  public:
    ServerSnapshot(ConsoleSources sources,
                   std::shared_ptr<const runtime::RuntimeConfig> setup,
                   std::int64_t started)
        : sources_(sources), setup_(std::move(setup)), started_(started) {}

    const std::vector<admin::Connection>& connections() const override {
        if (!connections_) connections_ = all_connections(sources_.table);
        return *connections_;
    }
    const config::Config& config() const override { return setup_->config; }
    metrics::Totals totals() const override { return sources_.counters.sum(); }
    std::vector<admin::OwnCertificateView> certificates() const override;
    std::vector<admin::RuleView> rules() const override;
    std::vector<admin::UpstreamHostView> upstream_hosts() const override {
        return views_of(sources_, *setup_);
    }
    telemetry::LimitStates limits() const override {
        return access::limit_states(
            sources_.addresses, config(), totals(), sources_.table.admitted());
    }
    std::int64_t now() const override { return now_; }
    std::int64_t started() const override { return started_; }

  private:
    ConsoleSources sources_;
    std::shared_ptr<const runtime::RuntimeConfig> setup_;
    std::int64_t started_;
    std::int64_t now_ = admin::microseconds_now();
    mutable std::optional<std::vector<admin::Connection>> connections_;
};

std::vector<admin::OwnCertificateView> ServerSnapshot::certificates() const {
    if (!setup_->tls) return {};
    std::vector<admin::OwnCertificateView> views;
    for (const tls::OwnCertificate& own : setup_->tls->certificates())
        views.push_back({own.file,
                         own.subject,
                         own.issuer,
                         own.serial,
                         own.dns_names,
                         own.not_before,
                         own.not_after});
    return views;
}

std::vector<admin::RuleView> ServerSnapshot::rules() const {
    std::vector<admin::RuleView> views;
    for (const auto& rules : access::distinct_rules(setup_->access, &runtime::Access::rules))
        for (const hba::Rule& rule : rules->rules)
            views.push_back(view_of(rule));
    return views;
}

} // namespace

ConsoleBackend::ConsoleBackend(ConsoleSources sources, ServerVerbs verbs)
    : sources_(sources), verbs_(std::move(verbs)), started_(admin::microseconds_now()) {}

std::shared_ptr<const admin::Snapshot> ConsoleBackend::look() const {
    return std::make_shared<const ServerSnapshot>(sources_, verbs_.setup(), started_);
}

} // namespace pgmoat::server
