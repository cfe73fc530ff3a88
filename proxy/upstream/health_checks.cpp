#include "proxy/upstream/health_checks.h"

#include "proxy/upstream/http_get.h"
#include "proxy/upstream/patroni.h"
#include "proxy/upstream/role_book.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <ctime>
#include <exception>
#include <set>
#include <string>
#include <utility>

namespace pgmoat::upstream {

using config::HealthCheck;
using lookups::ServerState;
using Steady = std::chrono::steady_clock;

namespace {

RoleBook::Now now() {
    return {Steady::now(), std::time(nullptr)};
}

std::vector<runtime::HostName> names_of(const std::string& upstream,
                                        const config::Conninfo& conninfo) {
    std::vector<runtime::HostName> names;
    for (const config::UpstreamHost& host : conninfo.hosts)
        names.push_back({upstream, host.host.empty() ? host.hostaddr : host.host, host.port});
    return names;
}

SeenHost seen_from(const ServerState& state) {
    SeenHost seen;
    seen.error = state.error;
    seen.role = state.in_recovery ? runtime::Role::standby : runtime::Role::primary;
    seen.read_only = state.read_only;
    seen.timeline = state.timeline;
    seen.position = state.position;
    return seen;
}

} // namespace

// The check of one upstream. Lives as long as any of its operations.
class HealthChecks::Watch : public std::enable_shared_from_this<HealthChecks::Watch> {
  public:
    Watch(runtime::ControlThread& thread,
          const std::function<void()>& changed,
          std::shared_ptr<const runtime::RuntimeConfig> setup,
          const std::string& upstream)
        : thread_(thread), changed_(changed), setup_(std::move(setup)), name_(upstream),
          hosts_(setup_->upstreams.at(name_)->conninfo.hosts),
          check_(setup_->config.health.at(name_)),
          book_(names_of(name_, setup_->upstreams.at(name_)->conninfo), check_.lag_bytes_max),
          timer_(thread.context), http_(thread, setup_->health_tls.at(name_)),
          silent_(check_.urls.size(), false) {
        book_.remember(thread_.services.host_roles.of(name_));
        for (const config::UpstreamHost& host : hosts_) {
            questions_.push_back({});
            if (check_.kind == HealthCheck::Kind::sql)
                questions_.back().source = lookups::server_state_source(
                    check_, setup_->upstreams.at(name_)->conninfo, host);
        }
    }

    static Awaitable<void> run(std::shared_ptr<Watch> self) {
        self->publish(); // shows that there is a check, even before its first answer
        while (!self->stopped_) {
            const auto next = Steady::now() + self->check_.interval;
            std::string failure;
            try {
                co_await self->look();
            } catch (const std::exception& error) {
                failure = error.what();
            }
            if (!failure.empty())
                self->thread_.services.log.error("health check of upstream \"" + self->name_ +
                                                 "\": " + failure);
            if (self->stopped_) break;
            self->timer_.expires_at(next);
            co_await self->timer_.async_wait(as_value);
        }
    }
    void stop() {
        stopped_ = true;
        timer_.cancel();
        for (Question& question : questions_)
            question.under_way.reset();
    }

  private:
    // A query to one host.
    struct Question {
        lookups::QuerySource source;
        std::optional<lookups::Subscription> under_way;
        Steady::time_point asked_at;
    };

    Awaitable<void> look() {
        if (check_.kind == HealthCheck::Kind::patroni)
            co_await ask_patroni();
        else
            for (std::size_t host = 0; host < hosts_.size(); ++host)
                ask_server(host);
    }

    // --- by SQL ----------------------------------------------------------------------------------

    // Each answer counts when it arrives: no host waits for another.
    void ask_server(std::size_t host) {
        Question& question = questions_[host];
        if (question.under_way) {
            // The time of a login and a query, twice, since both are repeated if a kept connection
            // was dead.
            if (Steady::now() - question.asked_at <= 4 * check_.timeout) return;
            SeenHost late;
            late.error = "timeout expired";
            return heard(host, late);
        }
        question.asked_at = Steady::now();
        const auto deliver =
            [weak = weak_from_this(), host, executor = thread_.executor](const ServerState& state) {
                executor->post([weak, host, state] {
                    const auto self = weak.lock();
                    if (!self || self->stopped_) return;
                    self->questions_[host].under_way.reset();
                    self->heard(host, seen_from(state));
                });
            };
        auto asked =
            thread_.services.lookups.server_states.ask(question.source, check_.timeout, deliver);
        if (auto* subscription = std::get_if<lookups::Subscription>(&asked))
            question.under_way.emplace(std::move(*subscription));
        else
            heard(host, seen_from(std::get<ServerState>(asked)));
    }

    void heard(std::size_t host, const SeenHost& seen) {
        book_.saw(host, seen, now());
        publish();
    }

    // --- Patroni ---------------------------------------------------------------------------------

    // The URL that answered last is asked first, unless its answer had no primary: it may be cut
    // off from the other members and have old information. Those that did not answer come last: each
    // takes a timeout, and a primary that has gone is most likely one of them.
    std::vector<std::size_t> order_of_urls() const {
        std::vector<std::size_t> order;
        for (std::size_t i = 0; i < check_.urls.size(); ++i)
            order.push_back((answered_ + i) % check_.urls.size());
        std::ranges::stable_partition(order, [this](std::size_t url) { return !silent_[url]; });
        return order;
    }

    Awaitable<void> ask_patroni() {
        std::string failure;
        const std::vector<std::size_t> order = order_of_urls();
        for (const std::size_t which : order) {
            if (stopped_) co_return;
            const config::HttpAddress& url = check_.urls[which];
            const std::string path = "/cluster";
            HttpReply reply = co_await http_.get(url, path, check_.timeout);
            std::string wrong = reply.error;
            if (wrong.empty() && reply.status != http_ok)
                wrong = "GET /cluster is answered with status " + std::to_string(reply.status);
            Cluster cluster;
            if (wrong.empty()) {
                cluster = read_cluster(reply.body);
                wrong = cluster.error;
            }
            silent_[which] = !wrong.empty();
            if (wrong.empty()) {
                answered_ = which;
                co_await take(cluster);
                co_return;
            }
            failure += (failure.empty() ? "" : "; ") + shown(url) + ": " + wrong;
        }
        if (stopped_) co_return;
        SeenHost unknown;
        unknown.error = failure;
        for (std::size_t host = 0; host < hosts_.size(); ++host)
            book_.saw(host, unknown, now());
        publish();
    }

    Awaitable<void> take(const Cluster& cluster) {
        LeaderSays says = LeaderSays::nothing;
        std::string silence;
        if (const ClusterMember* const leader = cluster.leader()) {
            const bool may_be_asked = leader->api && (leader->api->tls || !must_be_tls());
            if (!may_be_asked) {
                silence = leader->api ? "its REST interface is not reached with https"
                                      : "Patroni does not know its REST interface";
            } else {
                const std::string path = "/primary";
                const HttpReply reply = co_await http_.get(*leader->api, path, check_.timeout);
                silence = reply.error;
                if (reply.error.empty())
                    says = reply.status == http_ok ? LeaderSays::primary : LeaderSays::not_primary;
            }
        }
        if (stopped_) co_return;
        if (says != LeaderSays::primary) ++answered_;
        const std::vector<SeenHost> seen = seen_in(cluster, hosts_, says, silence);
        // Hosts that are no longer the primary first: then the new primary is accepted in the same
        // round.
        for (const bool primaries : {false, true})
            for (std::size_t host = 0; host < seen.size(); ++host)
                if ((seen[host].role == runtime::Role::primary) == primaries)
                    book_.saw(host, seen[host], now());
        publish();
    }

    // After an answer over TLS, the next request must not be plaintext.
    [[nodiscard]] bool must_be_tls() const {
        return std::ranges::all_of(check_.urls, &config::HttpAddress::tls);
    }

    // ---------------------------------------------------------------------------------------------

    void publish() {
        thread_.services.host_roles.set(name_, book_.roles());
        const auto news = book_.take_news();
        for (const std::string& line : news)
            thread_.services.log.info("upstream \"" + name_ + "\": " + line);
        if (!news.empty()) changed_();
    }

    static constexpr unsigned http_ok = 200;

    runtime::ControlThread& thread_;
    const std::function<void()>& changed_;
    const std::shared_ptr<const runtime::RuntimeConfig> setup_; // keeps the references below alive
    const std::string name_;
    const std::vector<config::UpstreamHost>& hosts_;
    const HealthCheck& check_;
    RoleBook book_;
    asio::steady_timer timer_;
    HttpGet http_;
    std::vector<Question> questions_; // one for each host
    std::size_t answered_ = 0;        // the URL that answered last
    std::vector<bool> silent_;        // of each URL: it did not when it was asked last
    bool stopped_ = false;
};

HealthChecks::HealthChecks(runtime::ControlThread& thread, std::function<void()> changed)
    : thread_(thread), changed_(std::move(changed)) {}

HealthChecks::~HealthChecks() {
    for (const auto& watch : watches_)
        watch->stop();
}

void HealthChecks::use(std::shared_ptr<const runtime::RuntimeConfig> setup) {
    thread_.setup = setup;
    for (const auto& watch : watches_)
        watch->stop();
    watches_.clear();
    std::set<std::string> checked;
    for (const auto& [name, check] : setup->config.health)
        checked.insert(name);
    thread_.services.host_roles.keep(checked);
    for (const std::string& name : checked) {
        watches_.push_back(std::make_shared<Watch>(thread_, changed_, setup, name));
        asio::co_spawn(thread_.context, Watch::run(watches_.back()), asio::detached);
    }
}

} // namespace pgmoat::upstream
