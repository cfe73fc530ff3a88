#include "proxy/upstream/probe.h"

#include "proxy/runtime/method_promises.h"
#include "proxy/upstream/ask_method.h"
#include "proxy/upstream/ask_server.h"
#include "proxy/upstream/dial.h"
#include "proxy/upstream/limits.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <set>
#include <string>
#include <utility>

namespace pgmoat::upstream {

namespace {

std::string row_of(const runtime::RuntimeConfig& setup,
                   const runtime::UpstreamTarget& target,
                   const io::Stream& stream) {
    if (target.login == config::LoginMode::bridge)
        return "SCRAM works, with channel binding on each leg in TLS: logins are bridged";
    if (!setup.tls)
        return "SCRAM works: SCRAM-SHA-256-PLUS is removed from the mechanisms offered to clients";
    if (!stream.in_tls()) return "SCRAM works: the connection to the server is unencrypted";
    const tls::PeerFacts& facts = stream.peer();
    const auto& own = setup.tls->certificates();
    const auto shown_by_server = [&facts](const tls::OwnCertificate& one) {
        return facts.certificate && one.leaf_sha256 == facts.certificate->leaf_sha256;
    };
    if (std::all_of(own.begin(), own.end(), shown_by_server))
        return "SCRAM works, with channel binding too: the server shows pgmoat's own certificate";
    if (std::any_of(own.begin(), own.end(), shown_by_server))
        return "SCRAM works, with channel binding too, for clients that are shown the server's own "
               "certificate; those that are shown another of pgmoat's must set "
               "channel_binding=disable";
    if (target.login == config::LoginMode::automatic && config::has_secret_source(setup.config))
        return "SCRAM works, with channel binding on both legs: logins are bridged";
    return "SCRAM fails for libpq clients unless they set channel_binding=disable: the server "
           "shows another certificate than pgmoat (set \"auth_file\" or \"auth_query_conninfo\")";
}

Awaitable<void> probe_host(runtime::ControlThread& thread,
                           const runtime::RuntimeConfig& setup,
                           std::shared_ptr<const runtime::UpstreamTarget> target,
                           std::size_t host) {
    const std::string name = "upstream \"" + target->name + "\", ";
    const std::string upstream = target->name;
    const bool in_tls = target->tls != nullptr;
    Plan plan = plan_for(*target);
    plan.hosts = {plan.hosts[host]};
    plan.goal = Goal::negotiated;
    plan.until = Clock::now() + probe_timeout;
    const std::string shown = plan.hosts.front().name;
    Dialer dialer(thread);
    Dialer::Outcome outcome = co_await dialer.reach(std::move(target), std::move(plan));
    if (const auto* gave_up = std::get_if<GiveUp>(&outcome)) {
        thread.services.log.warning(name + "host \"" + shown +
                                    "\" cannot be reached: " + gave_up->detail);
        co_return;
    }
    const Server& server = std::get<Server>(outcome);
    if (in_tls)
        thread.services.log.info(name + lookups::to_text(server.route->address) + ": " +
                                 row_of(setup, *server.route->target, *server.stream));
    if (has_promises(setup, upstream)) {
        const io::Deadline limit(
            thread.deadlines, probe_timeout, [&server] { server.stream->interrupt(); });
        if (const auto asked = co_await ask_method(*server.stream))
            for (const auto& warning : unkept_promises(setup, upstream, *asked))
                thread.services.log.warning(warning);
    }
    server.stream->close();
}

// Asks how the servers answer SSLRequest, so that the first clients get the right answer.
Awaitable<void> probe_answer(runtime::ControlThread& thread,
                             std::shared_ptr<const runtime::UpstreamTarget> target) {
    Dialer dialer(thread);
    (void)co_await would_encrypt(
        thread, dialer, std::move(target), runtime::EncryptionRequest::ssl);
}

// `setup` is taken by value: the coroutine frame keeps it alive.
Awaitable<void> probe_all(runtime::ControlThread& thread,
                          std::shared_ptr<const runtime::RuntimeConfig> setup) {
    std::set<std::string> passed_through;
    for (const auto& listener : setup->config.listeners)
        if (listener.tls_mode == config::TlsMode::passthrough)
            passed_through.insert(listener.upstream);
    for (const auto& name : passed_through)
        co_await probe_answer(thread, setup->upstreams.at(name));
    for (const auto& name : upstreams_of_terminated(*setup)) {
        const auto target = setup->upstreams.at(name);
        if (target->conninfo.groups > 0)
            continue; // a template has no server until a client names one
        if (!target->tls && !has_promises(*setup, name)) continue;
        for (std::size_t host = 0; host < target->conninfo.hosts.size(); ++host)
            co_await probe_host(thread, *setup, target, host);
    }
}

} // namespace

void probe_upstreams(runtime::ControlThread& thread) {
    asio::co_spawn(thread.context, probe_all(thread, thread.setup), asio::detached);
}

} // namespace pgmoat::upstream
