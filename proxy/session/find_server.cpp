#include "proxy/session/find_server.h"

#include "proxy/upstream/ask_server.h"
#include "proxy/upstream/reach_by_role.h"

#include <utility>

namespace pgmoat::session {

ServerFinder::ServerFinder(runtime::ControlThread& thread,
                           const runtime::RuntimeConfig& setup,
                           metrics::ListenerId listener,
                           LoginClock& clock,
                           SessionRecorder& recorder)
    : thread_(thread), setup_(setup), listener_(listener), clock_(clock), recorder_(recorder) {}

Awaitable<bool> ServerFinder::would_encrypt(const std::string& upstream,
                                            runtime::EncryptionRequest request) {
    dialer_.emplace(thread_, listener_);
    co_return co_await upstream::would_encrypt(
        thread_, *dialer_, setup_.upstreams.at(upstream), request);
}

Awaitable<ServerFinder::Found> ServerFinder::find(WantedServer wanted) {
    target_ = std::move(wanted.target);
    header_ = std::move(wanted.header);
    upstream::Plan plan = std::move(wanted.plan);
    upstream::leave_out(plan, target_->name, thread_.services.out_of_service);
    if (plan.hosts.empty())
        co_return NoServer{&refusal::out_of_service,
                           {CloseReason::drain, "upstream \"" + target_->name + "\" is drained"}};
    begin(plan);
    if (learns_role_at_login()) {
        if (!wanted.login_is_seen) co_return none_of_role("the login cannot be seen");
        role_.emplace(begin_role_search(
            thread_.services.learnt_roles, *target_, std::move(plan), !is_from_template()));
        plan = role_->search.plan();
    }
    co_return co_await dial(std::move(plan));
}

Awaitable<ServerFinder::Found> ServerFinder::find_another(std::string left) {
    auto& counters = thread_.services.counters;
    counters.block_of_this_thread().upstream_wrong_role(counters.add_upstream(target_->name));
    if (!role_->search.leave(left)) co_return none_of_role(role_->search.detail());
    upstream::Plan plan = role_->search.plan();
    begin(plan);
    co_return co_await dial(std::move(plan));
}

void ServerFinder::begin(upstream::Plan& plan) {
    recorder_.begin(&telemetry::StepTimes::reach);
    clock_.stop();
    plan.until = upstream::Clock::now() + clock_.client_has_left();
    plan.answer_timeout = setup_.config.server_login_timeout;
    dialer_.emplace(thread_, listener_);
}

Awaitable<ServerFinder::Found> ServerFinder::dial(upstream::Plan plan) {
    for (;;) {
        dialer_->send_first(header_);
        auto outcome = co_await reach_host(std::move(plan));
        if (auto* server = std::get_if<upstream::Server>(&outcome)) {
            if (role_) role_->search.reached(server->host);
            co_return std::move(*server);
        }
        const auto& gave_up = std::get<upstream::GiveUp>(outcome);
        if (interrupted_ || !role_ || !role_->search.not_reached(gave_up))
            co_return unreachable(gave_up);
        plan = role_->search.plan();
        begin(plan);
    }
}

Awaitable<upstream::Dialer::Outcome> ServerFinder::reach_host(upstream::Plan plan) {
    if (role_) co_return co_await dialer_->reach(target_, std::move(plan));
    co_return co_await upstream::reach_by_role(thread_, *dialer_, target_, std::move(plan));
}

void ServerFinder::login_came_from(const upstream::ServerRoute& route,
                                   const protocol::LoginFacts& login) {
    if (!role_) return;
    role_->search.learn(login);
    if (!is_from_template()) remember_role(thread_.services, route, login);
}

void ServerFinder::interrupt() {
    interrupted_ = true;
    if (dialer_) dialer_->interrupt();
}

// Without a health check that knows the roles.
bool ServerFinder::learns_role_at_login() const {
    return target_->conninfo.target_session_attrs != config::SessionAttrs::any &&
           !setup_.config.health.contains(target_->name);
}

// Its hosts are whatever clients have asked for: they are not remembered.
bool ServerFinder::is_from_template() const {
    return setup_.upstreams.at(target_->name)->conninfo.groups > 0;
}

NoServer ServerFinder::none_of_role(const std::string& why) const {
    const std::string wanted(config::name_of(target_->conninfo.target_session_attrs));
    return {
        &refusal::no_server_of_role,
        {CloseReason::upstream_failed, "server: target_session_attrs=" + wanted + ", and " + why}};
}

// 57P03, so that libpq goes on to its next host.
NoServer ServerFinder::unreachable(const upstream::GiveUp& gave_up) const {
    using Why = upstream::GiveUp::Why;
    if (gave_up.why == Why::unreachable && role_ && role_->search.has_left())
        return none_of_role(role_->search.detail() + ", " + gave_up.detail);
    const Ended failed{CloseReason::upstream_failed, "server: " + gave_up.detail};
    switch (gave_up.why) {
    case Why::protocol_violation: return {&refusal::upstream_protocol_violation, failed};
    case Why::slow_answer:
        return {&refusal::upstream_slow,
                {CloseReason::timeout, "server_login_timeout expired: server: " + gave_up.detail}};
    case Why::late:
        return {
            &refusal::upstream_unreachable,
            {CloseReason::timeout, "authentication_timeout expired: server: " + gave_up.detail}};
    case Why::unreachable:
    case Why::not_offered: return {&refusal::upstream_unreachable, failed};
    case Why::hello_refused: return {nullptr, failed}; // as the server does: nothing is added
    case Why::role_lost:
    case Why::no_host_of_role: return none_of_role(gave_up.detail);
    }
    return {nullptr, failed};
}

} // namespace pgmoat::session
