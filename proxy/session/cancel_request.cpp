#include "proxy/session/cancel_request.h"

#include "proxy/hba/rule.h"
#include "proxy/hba/server_name.h"
#include "proxy/session/limits.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/experimental/parallel_group.hpp>

#include <array>
#include <optional>
#include <set>
#include <utility>

namespace pgmoat::session {

using runtime::CancelSlot;
using upstream::Clock;

// Sends the request to one server.
class CancelForwarder::Errand {
  public:
    Errand(runtime::ControlThread& thread, Target target, const protocol::Bytes& packet)
        : thread_(thread), target_(std::move(target)), packet_(packet), dialer_(thread) {}

    Awaitable<void> run() {
        const auto& host = target_.plan.hosts.front();
        slot_ = thread_.services.cancel_limits.take(host.name + ":" + std::to_string(host.port),
                                                    cancels_to_one_host_max);
        if (!slot_) co_return;
        target_.plan.until = Clock::now() + cancel_timeout;
        auto outcome = co_await dialer_.reach(target_.upstream, std::move(target_.plan));
        auto* server = std::get_if<upstream::Server>(&outcome);
        if (!server || interrupted_) co_return;
        stream_ = std::move(server->stream);
        const io::Deadline limit(
            thread_.deadlines, cancel_timeout, [this] { stream_->interrupt(); });
        if (const io::Result sent = co_await stream_->write(packet_); !sent) co_return;
        forwarded_ = true;
        std::array<std::uint8_t, 1> nothing{};
        (void)co_await stream_->read_some(nothing);
        stream_->close();
    }

    void interrupt() {
        interrupted_ = true;
        dialer_.interrupt();
        if (stream_) stream_->interrupt();
    }
    [[nodiscard]] bool forwarded() const noexcept { return forwarded_; }

  private:
    runtime::ControlThread& thread_;
    Target target_;
    const protocol::Bytes& packet_;
    upstream::Dialer dialer_;
    std::unique_ptr<io::Stream> stream_;
    std::optional<CancelSlot> slot_;
    bool forwarded_ = false;
    bool interrupted_ = false;
};

CancelForwarder::CancelForwarder(runtime::ControlThread& thread,
                                 std::shared_ptr<const runtime::RuntimeConfig> setup,
                                 std::size_t listener)
    : thread_(thread), setup_(std::move(setup)), listener_(listener) {}

CancelForwarder::~CancelForwarder() = default;

void CancelForwarder::interrupt() {
    for (const auto& errand : errands_)
        errand->interrupt();
}

std::vector<std::shared_ptr<const runtime::UpstreamTarget>>
CancelForwarder::reachable(const std::string& server_name) const {
    std::set<std::string> names{setup_->config.listeners[listener_].upstream};
    std::vector<std::shared_ptr<const runtime::UpstreamTarget>> found;
    if (const auto& rules = setup_->access[listener_].rules)
        for (const hba::Rule& rule : rules->rules) {
            if (rule.upstream.empty()) continue;
            const auto& target = setup_->upstreams.at(rule.upstream);
            if (target->conninfo.groups == 0) {
                names.insert(rule.upstream);
                continue;
            }
            const auto groups = hba::groups_of_server_name(rule, server_name);
            if (auto filled = runtime::fill_target(target, groups))
                found.push_back(std::move(filled));
        }
    for (const std::string& name : names)
        found.push_back(setup_->upstreams.at(name));
    return found;
}

// The target of a live session is in its row, so that a reload does not remove it.
std::vector<CancelForwarder::Target> CancelForwarder::targets(
    const protocol::CancelRequest& request, const std::string& server_name, bool& known) const {
    std::vector<Target> found;
    const auto route = thread_.services.table.find_route(request.process_id, request.key);
    known = route != nullptr;
    if (route) {
        found.push_back({route->target, upstream::plan_for(*route)});
    } else {
        for (const auto& target : reachable(server_name)) {
            const upstream::Plan all = upstream::plan_for(*target);
            for (const auto& host : all.hosts) {
                found.push_back({target, all});
                found.back().plan.hosts = {host};
            }
        }
    }
    for (Target& target : found)
        target.plan.goal = upstream::Goal::negotiated;
    return found;
}

Awaitable<Ended> CancelForwarder::forward(const protocol::CancelRequest& request,
                                          const std::string& client,
                                          const std::string& server_name) {
    using metrics::CancelOutcome;
    auto& counters = thread_.services.counters.block_of_this_thread();
    auto& limits = thread_.services.cancel_limits;
    const auto all = limits.take("", cancels_in_flight_max);
    const auto own = limits.take("client " + client, cancels_of_one_client_max);
    if (!all || !own) {
        counters.cancel_request(CancelOutcome::rate_limited);
        counters.rate_limited(metrics::Limit::cancel_requests);
        co_return Ended{CloseReason::cancel, "not forwarded: too many cancel requests in flight"};
    }
    bool known = false;
    for (Target& target : targets(request, server_name, known))
        errands_.push_back(std::make_unique<Errand>(thread_, std::move(target), request.packet));
    // In parallel: a host that does not answer must not delay the others.
    using Run = decltype(asio::co_spawn(thread_.context, errands_.front()->run(), asio::deferred));
    std::vector<Run> runs;
    for (const auto& errand : errands_)
        runs.push_back(asio::co_spawn(thread_.context, errand->run(), asio::deferred));
    co_await asio::experimental::make_parallel_group(std::move(runs))
        .async_wait(asio::experimental::wait_for_all(), asio::use_awaitable);
    bool forwarded = false;
    for (const auto& errand : errands_)
        forwarded = forwarded || errand->forwarded();
    if (!forwarded) {
        counters.cancel_request(CancelOutcome::failed);
        co_return Ended{CloseReason::cancel, "not forwarded: no server could be reached"};
    }
    counters.cancel_request(known ? CancelOutcome::forwarded : CancelOutcome::unknown_key);
    co_return Ended{CloseReason::cancel, known ? "forwarded" : "forwarded, key unknown here"};
}

namespace {

// The coroutine frame holds both, and outlives the errand. Only administrators cause these, so the
// limits on clients' cancel requests do not apply.
Awaitable<void> run_cancel(runtime::ControlThread& thread, telemetry::SessionTable::Cancel cancel) {
    upstream::Plan plan = upstream::plan_for(*cancel.route);
    plan.goal = upstream::Goal::negotiated;
    plan.until = Clock::now() + cancel_timeout;
    upstream::Dialer dialer(thread);
    auto outcome = co_await dialer.reach(cancel.route->target, std::move(plan));
    auto* server = std::get_if<upstream::Server>(&outcome);
    if (server == nullptr) {
        thread.services.log.warning("the query of an ended connection could not be cancelled: " +
                                    std::get<upstream::GiveUp>(outcome).detail);
        co_return;
    }
    io::Stream& stream = *server->stream;
    const io::Deadline limit(thread.deadlines, cancel_timeout, [&stream] { stream.interrupt(); });
    if (const io::Result sent = co_await stream.write(cancel.packet); !sent) co_return;
    std::array<std::uint8_t, 1> nothing{};
    (void)co_await stream.read_some(nothing);
    stream.close();
}

} // namespace

void cancel_query(runtime::ControlThread& thread, std::uint64_t id) {
    auto cancel = thread.services.table.cancel_for(id);
    if (!cancel) return;
    asio::co_spawn(thread.context, run_cancel(thread, std::move(*cancel)), asio::detached);
}

} // namespace pgmoat::session
