#include "proxy/access/recheck_sessions.h"

#include "proxy/access/evaluate.h"
#include "proxy/access/kill.h"
#include "proxy/access/limits.h"
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

constexpr const char* why_ended = "the reloaded access rules refuse it";

using Threads = std::vector<std::unique_ptr<runtime::ControlThread>>;

std::optional<std::size_t> listener_of(const runtime::RuntimeConfig& setup,
                                       const telemetry::SessionFacts& facts) {
    for (std::size_t i = 0; i < setup.config.listeners.size(); ++i)
        if (setup.config.listeners[i].name == facts.listener) return i;
    return std::nullopt;
}

// True: the session must end.
bool conclude(const Threads& threads,
              const runtime::RuntimeConfig& setup,
              const telemetry::SeenSession& session,
              const hba::Decision& decision) {
    const bool ends = setup.config.hba_on_reload == config::HbaOnReload::disconnect;
    telemetry::Fields fields;
    fields.add("id", session.id).add("client", session.facts->client_address);
    if (!session.facts->user.empty()) fields.add("user", session.facts->user);
    if (!session.facts->database.empty()) fields.add("database", session.facts->database);
    if (decision.rule != nullptr) fields.add("rule", decision.rule->location);
    fields.add("detail", decision.message);
    threads.front()->services.log.write(telemetry::Log::Level::warning,
                                        ends
                                            ? "the new access rules end a live connection"
                                            : "the new access rules would refuse a live connection",
                                        fields);
    return ends;
}

// In slices: what else the thread has to do gets its turn between them, and so do the sessions that
// must end, a slice at a time. Keeps the setup alive while it looks at it: a coroutine frame keeps its
// parameters.
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
        if (!session.facts->judged) continue;
        const auto listener = listener_of(*setup, *session.facts);
        if (!listener || !setup->access[*listener].rules) continue;
        const runtime::Access& access = setup->access[*listener];
        const RulesToAsk asked{lookup_client, *access.rules, access.roles};
        const hba::Decision decision = co_await evaluate_live(asked, candidate_of(*session.facts));
        if (decision.refuses() && conclude(threads, *setup, session, decision))
            ending.push_back(session.id);
    }
    if (!ending.empty()) kill_all(threads, std::move(ending), why_ended);
}

// Not on the first thread if there is another one: it accepts.
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

void recheck_sessions(const Threads& threads) {
    asio::co_spawn(
        threads.back()->context, recheck_and_tell(threads, threads.front()->setup), asio::detached);
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
