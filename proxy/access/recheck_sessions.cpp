#include "proxy/access/recheck_sessions.h"

#include "proxy/access/evaluate.h"
#include "proxy/access/kill.h"
#include "proxy/access/limits.h"
#include "proxy/hba/evaluate/connection_slot.h"
#include "proxy/hba/rule_changes.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include <exception>
#include <optional>
#include <set>
#include <utility>

namespace pgmoat::access {

namespace {

constexpr const char* why_ended = "no longer permitted by the access rules";

using Threads = std::vector<std::unique_ptr<runtime::ControlThread>>;

std::optional<std::size_t> listener_of(const runtime::RuntimeConfig& setup,
                                       const telemetry::SharedFacts& facts) {
    for (std::size_t i = 0; i < setup.config.listeners.size(); ++i)
        if (setup.config.listeners[i].name == facts.listener) return i;
    return std::nullopt;
}

void tell(telemetry::Log& log,
          bool ends,
          std::uint64_t id,
          const telemetry::SharedFacts& facts,
          const hba::Decision& decision) {
    telemetry::Fields fields;
    fields.add("id", id).add("client", facts.client_address);
    if (!facts.user.empty()) fields.add("user", facts.user);
    if (!facts.database.empty()) fields.add("database", facts.database);
    if (decision.rule != nullptr) fields.add("rule", decision.rule->location);
    fields.add("detail", decision.message);
    log.write(telemetry::Log::Level::warning,
              ends ? "closing connection: no longer permitted by the access rules"
                   : "live connection is no longer permitted by the access rules",
              fields);
}

// Evaluates the rules for a live session; nothing: it was not subject to rules, or there are none
// now. The arguments must outlive the coroutine.
Awaitable<std::optional<hba::Decision>> decide(const runtime::RuntimeConfig& setup,
                                               LookupClient& lookup_client,
                                               const telemetry::SharedFacts& facts) {
    const auto listener = listener_of(setup, facts);
    if (!facts.judged || !listener || !setup.access[*listener].rules) co_return std::nullopt;
    const runtime::Access& access = setup.access[*listener];
    const RulesToAsk asked{lookup_client, *access.rules, access.roles};
    co_return co_await evaluate_live(asked, candidate_of(facts));
}

// `setup` is taken by value: the coroutine frame keeps it alive.
Awaitable<bool> must_end_by(std::shared_ptr<const runtime::RuntimeConfig> setup,
                            runtime::ControlThread& thread,
                            LookupClient& lookup_client,
                            std::uint64_t id,
                            const telemetry::SharedFacts& facts) {
    const auto decision = co_await decide(*setup, lookup_client, facts);
    if (!decision || !decision->refuses()) co_return false;
    const bool ends = setup->config.hba_on_reload == config::HbaOnReload::disconnect;
    tell(thread.services.log, ends, id, facts, *decision);
    co_return ends;
}

// Gives the session a slot under the rule that permits it now, or ends it.
Awaitable<void> judge_newcomer(const Threads& threads,
                               std::uint64_t id,
                               std::shared_ptr<const telemetry::SharedFacts> facts) {
    runtime::ControlThread& thread = *threads.back();
    const auto setup = thread.setup;
    LookupClient lookup_client(thread);
    const auto decision = co_await decide(*setup, lookup_client, *facts);
    if (!decision) co_return;
    if (!decision->refuses()) {
        if (decision->rule != nullptr)
            thread.services.table.keep(id, hba::hold_connection_slot(*decision->rule));
        co_return;
    }
    const bool ends = setup->config.hba_on_reload == config::HbaOnReload::disconnect;
    tell(thread.services.log, ends, id, *facts, *decision);
    if (ends) kill_all(threads, {id}, why_ended);
}

Awaitable<void> judge_newcomer_and_tell(const Threads& threads,
                                        std::uint64_t id,
                                        std::shared_ptr<const telemetry::SharedFacts> facts) {
    std::string failure;
    try {
        co_await judge_newcomer(threads, id, std::move(facts));
    } catch (const std::exception& error) {
        failure = error.what();
    }
    if (!failure.empty())
        threads.back()->services.log.error(
            "a connection that was handed over was not checked against the access rules: " +
            failure);
}

// In slices: between them the thread's other work gets a turn, and the sessions of the slice that
// must end are ended.
Awaitable<void> recheck(const Threads& threads,
                        std::shared_ptr<const runtime::RuntimeConfig> setup) {
    runtime::ControlThread& thread = *threads.back();
    LookupClient lookup_client(thread);
    const telemetry::SeenSessions sessions = thread.services.table.snapshot();
    std::vector<std::uint64_t> ending;
    std::size_t looked_at = 0;
    for (const telemetry::SeenSession& session : sessions) {
        if (++looked_at % sessions_per_slice == 0) {
            if (!ending.empty()) kill_all(threads, std::exchange(ending, {}), why_ended);
            co_await asio::post(thread.context, asio::use_awaitable);
        }
        const bool ends =
            co_await must_end_by(setup, thread, lookup_client, session.id, *session.facts);
        if (ends) ending.push_back(session.id);
    }
    if (!ending.empty()) kill_all(threads, std::move(ending), why_ended);
}

// Not on the first thread if there is another, since the first one accepts connections.
Awaitable<void> recheck_and_tell(const Threads& threads,
                                 std::shared_ptr<const runtime::RuntimeConfig> setup) {
    std::string failure;
    try {
        co_await recheck(threads, std::move(setup));
    } catch (const std::exception& error) {
        failure = error.what();
    }
    if (!failure.empty())
        threads.back()->services.log.error("not all live connections were checked against the new "
                                           "access rules: " +
                                           failure);
}

} // namespace

void review_newcomer(const Threads& threads,
                     std::uint64_t id,
                     std::shared_ptr<const telemetry::SharedFacts> facts) {
    asio::co_spawn(threads.back()->context,
                   judge_newcomer_and_tell(threads, id, std::move(facts)),
                   asio::detached);
}

void recheck_sessions(const Threads& threads) {
    asio::co_spawn(
        threads.back()->context, recheck_and_tell(threads, threads.front()->setup), asio::detached);
}

Awaitable<bool> must_end(runtime::ControlThread& thread,
                         LookupClient& lookup_client,
                         std::uint64_t id,
                         const telemetry::SharedFacts& facts) {
    return must_end_by(thread.setup, thread, lookup_client, id, facts);
}

std::vector<std::string> access_changes(const runtime::RuntimeConfig& old,
                                        const runtime::RuntimeConfig& now) {
    std::vector<std::string> lines;
    std::set<const hba::Rules*> told;
    const hba::Rules none;
    const auto tell = [&](const auto& before, const auto& after) {
        if (after && !told.insert(after.get()).second) return;
        for (auto& change : hba::rule_changes(before ? *before : none, after ? *after : none))
            lines.push_back(std::move(change.text));
    };
    for (std::size_t i = 0; i < now.access.size(); ++i) {
        tell(old.access[i].rules, now.access[i].rules);
        tell(old.access[i].dry_run, now.access[i].dry_run);
    }
    return lines;
}

} // namespace pgmoat::access
