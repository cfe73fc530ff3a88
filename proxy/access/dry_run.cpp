#include "proxy/access/dry_run.h"

#include "proxy/access/evaluate.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <ctime>
#include <utility>

namespace pgmoat::access {

namespace {

// `formerly` is the log field's name in the previous release.
telemetry::Fields describe(const DryRunCase& what, const hba::Decision& decision) {
    const hba::Candidate& candidate = what.candidate;
    telemetry::Fields fields;
    fields.add("id", what.id).add("client", candidate.address_text);
    if (!candidate.user.empty()) fields.add("user", candidate.user);
    if (!candidate.database.empty()) fields.add("database", candidate.database);
    fields.add("tls", candidate.tls_version.empty() ? "off" : candidate.tls_version);
    if (!candidate.tls_cipher.empty()) fields.add("cipher", candidate.tls_cipher);
    if (!candidate.server_name.empty()) fields.add("sni", candidate.server_name);
    if (decision.rule != nullptr) fields.add("rule", decision.rule->location);
    if (decision.refuses())
        fields.add("detail", decision.message);
    else
        fields.add("upstream", decision.upstream);
    fields.add("formerly",
               decision.refuses() ? "audit: would be refused"
                                  : "audit: would go to another upstream");
    return fields;
}

void conclude(runtime::ControlThread& thread, const DryRunCase& what, hba::Decision decision) {
    if (decision.upstream.empty()) decision.upstream = what.listener_upstream;
    const bool rerouted = !decision.refuses() && decision.upstream != what.upstream;
    hba::count(*what.rules, decision, std::time(nullptr));
    if (what.refused) return; // by the live rules already: nothing could change for the worse
    if (rerouted && decision.rule != nullptr)
        decision.rule->stats->rerouted.fetch_add(1, std::memory_order_relaxed);
    if (!rerouted && !decision.refuses()) return;
    telemetry::Log& log = thread.services.log;
    if (!log.shows(telemetry::Log::Level::info)) return;
    if (!thread.services.dry_run_lines.admit(telemetry::LineGate::Clock::now())) return;
    log.write(telemetry::Log::Level::info,
              decision.refuses() ? "dry run: would be refused"
                                 : "dry run: would go to another upstream",
              describe(what, decision));
}

Awaitable<void> run(runtime::ControlThread& thread, DryRunCase what) {
    LookupClient lookup_client(thread);
    const RulesToAsk asked{lookup_client, *what.rules, what.roles};
    auto decision = co_await evaluate_live(asked, what.candidate);
    conclude(thread, what, std::move(decision));
}

} // namespace

void dry_run(runtime::ControlThread& thread, DryRunCase what) {
    asio::co_spawn(thread.context, run(thread, std::move(what)), asio::detached);
}

void summarise_dry_run(runtime::Services& services) {
    const std::uint64_t count = services.dry_run_lines.take_held();
    if (count == 0) return;
    services.log.write(telemetry::Log::Level::info,
                       "dry run: differing decisions suppressed in the log",
                       telemetry::Fields().add("count", count));
}

} // namespace pgmoat::access
