#include "proxy/session/access_check.h"

#include "proxy/access/dry_run.h"
#include "proxy/access/evaluate.h"
#include "proxy/hba/evaluate/connection_slot.h"
#include "proxy/hba/evaluate/refuse.h"
#include "proxy/hba/method_promise.h"
#include "proxy/hba/server_name.h"

#include <utility>

namespace pgmoat::session {

protocol::ServerMethods AccessCheck::accepted_methods() const {
    return decision_.rule != nullptr ? hba::methods_that_satisfy(*decision_.rule)
                                     : protocol::ServerMethods::all();
}

Awaitable<void> AccessCheck::ask(telemetry::ClientFacts& client) {
    // Named first: g++ 12 destroys what a braced argument of a co_await holds twice.
    const access::RulesToAsk asked{lookups_, *access_.rules, access_.roles};
    hba::Decision decision = co_await access::evaluate(asked, access::candidate_of(client));
    decision_ = std::move(decision);
    client.system_user = decision_.system_user;
}

void AccessCheck::take_connection_slot() {
    if (decision_.refuses()) return;
    if (auto slot = hba::take_connection_slot(*decision_.rule))
        recorder_.keep(std::move(slot));
    else
        decision_ = hba::refuse_without_slot(*decision_.rule);
}

// Of a template the host is made of what the client asks for, as far as the rule lets it.
std::shared_ptr<const runtime::UpstreamTarget>
AccessCheck::choose_target(const telemetry::ClientFacts& client) {
    if (decision_.refuses()) return nullptr;
    std::shared_ptr<const runtime::UpstreamTarget> target = setup_.upstreams.at(upstream());
    if (target->conninfo.groups == 0) return target;
    target = runtime::fill_target(
        target, hba::groups_of_server_name(*decision_.rule, client.client_tls.server_name));
    if (!target) decision_ = hba::refuse_for_lack_of_host(*decision_.rule);
    return target;
}

void AccessCheck::settle(const telemetry::ClientFacts& client) {
    recorder_.judged(client);
    if (const auto& rules = access_.rules) recorder_.decided(*rules, decision_);
    if (const auto& rules = access_.dry_run)
        access::dry_run(thread_,
                        {rules,
                         access_.roles,
                         access::candidate_of(client),
                         decision_.refuses(),
                         upstream(),
                         listener_.upstream,
                         recorder_.id()});
}

void AccessCheck::server_hello_passed(const telemetry::ClientFacts& client) {
    decision_ = hba::after_server_hello(std::move(decision_), access::candidate_of(client));
    settle(client);
}

void AccessCheck::lacks_proof(protocol::ServerMethod asked) {
    decision_ = hba::refuse_for_lack_of_proof(*decision_.rule, asked);
}

const std::string& AccessCheck::upstream() const {
    return decision_.upstream.empty() ? listener_.upstream : decision_.upstream;
}

} // namespace pgmoat::session
