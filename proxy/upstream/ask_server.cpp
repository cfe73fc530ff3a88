#include "proxy/upstream/ask_server.h"

#include "proxy/upstream/limits.h"

#include <utility>

namespace pgmoat::upstream {

Awaitable<bool> would_encrypt(runtime::ControlThread& thread,
                              Dialer& dialer,
                              std::shared_ptr<const runtime::UpstreamTarget> target,
                              runtime::EncryptionRequest request) {
    auto& answers = thread.services.server_answers;
    const bool ssl = request == runtime::EncryptionRequest::ssl;
    const std::string name = target->name;
    if (answers.last(name, request).value_or(false)) co_return true;
    if (answers.may_ask(name, request, ask_pause)) {
        Plan plan = plan_for(*target);
        plan.negotiation = ssl ? Negotiation::client_tls : Negotiation::client_gss;
        plan.goal = Goal::negotiated;
        plan.until = Clock::now() + ask_timeout;
        Dialer::Outcome outcome = co_await dialer.reach(std::move(target), std::move(plan));
        if (auto* server = std::get_if<Server>(&outcome)) server->stream->close();
    }
    co_return answers.last(name, request).value_or(ssl);
}

} // namespace pgmoat::upstream
