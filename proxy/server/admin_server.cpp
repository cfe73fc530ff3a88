#include "proxy/server/admin_server.h"

#include "metrics/exporter.h"
#include "proxy/access/limit_states.h"
#include "proxy/access/load_rules.h"
#include "proxy/admin/http/listen.h"
#include "proxy/admin/limits.h"

#include <boost/asio/post.hpp>

#include <ctime>
#include <utility>

namespace pgmoat::server {

namespace {

admin::RuleState state_of(const hba::Rule& rule) {
    const hba::RuleStats& stats = *rule.stats;
    return {rule.file,
            static_cast<int>(rule.line),
            hba::shown_text(rule),
            stats.allowed + stats.refused(),
            stats.refused(),
            stats.last_hit};
}

// The pseudo-rule of connections that no line matched: they are refused.
admin::RuleState unmatched(const hba::Rules& rules) {
    const hba::RuleStats& stats = *rules.no_entry;
    return {rules.file, 0, "no line matches", stats.denied, stats.denied, stats.last_hit};
}

// Listeners may share a rules file; it is shown once.
std::vector<admin::RuleState> rule_states(const runtime::RuntimeConfig& setup) {
    std::vector<admin::RuleState> states;
    for (const auto& rules : access::distinct_rules(setup.access, &runtime::Access::rules)) {
        for (const hba::Rule& rule : rules->rules) {
            if (states.size() >= admin::rules_on_page_max) break;
            states.push_back(state_of(rule));
        }
        states.push_back(unmatched(*rules));
    }
    return states;
}

} // namespace

AdminServer::AdminServer(boost::asio::io_context& context,
                         AdminSources sources,
                         AdminNews news,
                         admin::HttpAccess access,
                         HandedOverSockets& handed_over)
    : context_(context), sources_(std::move(sources)), news_(std::move(news)),
      started_(std::time(nullptr)), endpoint_(context, pages(), access) {
    const std::string& where = news_.setup->config.http_listen;
    const auto claim = [&handed_over](const boost::asio::ip::tcp::endpoint& endpoint) {
        return handed_over.take(endpoint.data(), static_cast<socklen_t>(endpoint.size()))
            .socket.release();
    };
    admin::HttpSockets sockets = admin::open_http_sockets(context, where, claim);
    for (auto& acceptor : sockets.acceptors)
        listening_.push_back(acceptor.native_handle());
    for (const std::string& warning : sockets.warnings)
        sources_.log.warning(warning);
    exposed_ = admin::is_exposed(sockets);
    warn_of(access);
    endpoint_.start(std::move(sockets.acceptors));
    const std::string scheme = access.tls ? "https://" : "http://";
    sources_.log.info("status page at " + scheme + where + "/, metrics at " + scheme + where +
                      "/metrics");
    take_sample();
}

void AdminServer::use(admin::HttpAccess access) {
    warn_of(access);
    boost::asio::post(context_, [this, access = std::move(access)]() mutable {
        endpoint_.use(std::move(access));
    });
}

void AdminServer::tell(AdminNews news) {
    boost::asio::post(context_,
                      [this, news = std::move(news)]() mutable { news_ = std::move(news); });
}

void AdminServer::warn_of(const admin::HttpAccess& access) {
    const std::string warning = exposed_ ? admin::exposure_of(access) : std::string();
    if (!warning.empty()) sources_.log.warning(warning);
}

void AdminServer::sample() {
    boost::asio::post(context_, [this] { take_sample(); });
}

void AdminServer::take_sample() {
    history_.add(
        admin::take_sample(std::time(nullptr), sources_.table.snapshot(), sources_.counters.sum()));
}

admin::HttpPages AdminServer::pages() {
    admin::HttpPages pages;
    pages.metrics = [this] { return metrics_text(); };
    pages.ready = [this] { return !news_.state.draining; };
    pages.status = [this] { return status(); };
    pages.connections = [this](std::size_t count_max) {
        return admin::newest_of(sources_.table.snapshot(), count_max);
    };
    pages.connection_metrics_max = [this] {
        return static_cast<std::size_t>(news_.setup->config.connection_metrics_max);
    };
    return pages;
}

std::string AdminServer::metrics_text() {
    const std::uint64_t dropped = sources_.log.dropped();
    sources_.counters.block_of_this_thread().log_messages_dropped(
        dropped - std::exchange(dropped_seen_, dropped));
    return metrics::Exporter(sources_.counters,
                             [this] { return gauges(sources_.table.snapshot()); })
        .text();
}

metrics::Gauges AdminServer::gauges(const telemetry::SeenSessions& sessions) const {
    return read_gauges({sessions, *news_.setup, sources_.plane, sources_.threads, news_.state});
}

admin::Status AdminServer::status() const {
    telemetry::SeenSessions sessions = sources_.table.snapshot();
    admin::Status status;
    status.now = std::time(nullptr);
    status.started = started_;
    status.ready = !news_.state.draining;
    status.gauges = gauges(sessions);
    status.totals = sources_.counters.sum();
    status.shares = admin::shares_of(sessions);
    status.rules = rule_states(*news_.setup);
    status.limits = access::limit_states(*sources_.threads.front()->services.addresses,
                                         news_.setup->config,
                                         status.totals,
                                         sources_.table.admitted());
    status.refusals = sources_.refusals.newest_first();
    status.history = history_.oldest_first();
    status.connections = admin::newest_of(std::move(sessions), admin::connections_on_page_max);
    status.live = status.connections.live;
    return status;
}

} // namespace pgmoat::server
