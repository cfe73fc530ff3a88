#include "proxy/upstream/ask_server.h"

#include "proxy/upstream/limits.h"

#include <utility>

namespace pgmoat::upstream {

namespace {

using runtime::ServerAnswers;

// While this lives no other client asks; afterwards others may, whatever the result.
class Asking {
  public:
    Asking(ServerAnswers& answers, std::string upstream, runtime::EncryptionRequest request)
        : answers_(answers), upstream_(std::move(upstream)), request_(request) {}
    ~Asking() { answers_.asked(upstream_, request_); }
    Asking(const Asking&) = delete;
    Asking& operator=(const Asking&) = delete;

  private:
    ServerAnswers& answers_;
    std::string upstream_;
    runtime::EncryptionRequest request_;
};

} // namespace

Awaitable<bool> would_encrypt(runtime::ControlThread& thread,
                              Dialer& dialer,
                              std::shared_ptr<const runtime::UpstreamTarget> target,
                              runtime::EncryptionRequest request) {
    auto& answers = thread.services.server_answers;
    const bool ssl = request == runtime::EncryptionRequest::ssl;
    const std::string name = target->name;
    if (answers.last(name, request).value_or(false)) co_return true;
    ServerAnswers::Turn turn = answers.turn(name, request, ask_pause);
    // The first clients after a start wait for the first answer: a wrong guess would make their
    // login fail.
    const auto guess_at = Clock::now() + ask_patience;
    while (turn == ServerAnswers::Turn::another_asks && !answers.last(name, request) &&
           Clock::now() < guess_at) {
        const bool waited = co_await dialer.pause(ask_poll);
        if (!waited) break;
        turn = answers.turn(name, request, ask_pause);
    }
    if (turn == ServerAnswers::Turn::ask) {
        const Asking asking(answers, name, request);
        Plan plan = plan_for(*target);
        plan.negotiation = ssl ? Negotiation::client_tls : Negotiation::client_gss;
        plan.goal = Goal::negotiated;
        plan.until = Clock::now() + ask_timeout;
        leave_out(plan, name, thread.services.out_of_service);
        if (plan.hosts.empty()) co_return answers.last(name, request).value_or(ssl);
        Dialer::Outcome outcome = co_await dialer.reach(std::move(target), std::move(plan));
        if (auto* server = std::get_if<Server>(&outcome)) server->stream->close();
    }
    co_return answers.last(name, request).value_or(ssl);
}

} // namespace pgmoat::upstream
