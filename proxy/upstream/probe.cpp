#include "proxy/upstream/probe.h"

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

std::string row_of(const runtime::RuntimeConfig& setup, const Reached& reached) {
    if (!setup.tls) return "SCRAM works: SCRAM-SHA-256-PLUS is taken off the server's offer";
    if (!reached.stream->in_tls()) return "SCRAM works: the server is not spoken to in TLS";
    const tls::PeerFacts& facts = reached.stream->peer();
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
    return "SCRAM fails for libpq clients unless they set channel_binding=disable: the server "
           "shows another certificate than pgmoat";
}

Awaitable<void> probe_host(runtime::ControlThread& thread,
                           const runtime::RuntimeConfig& setup,
                           const runtime::UpstreamTarget& target,
                           const config::UpstreamHost& host) {
    Dialer dialer(thread, target);
    const io::Deadline limit(thread.deadlines, probe_timeout, [&dialer] { dialer.cancel(); });
    const auto reached = co_await dialer.negotiate(host);
    const std::string name = "upstream \"" + target.name + "\", ";
    if (!reached) {
        thread.services.log.warning(name + "host \"" + host.host +
                                    "\" cannot be reached: " + dialer.detail());
        co_return;
    }
    thread.services.log.info(name + reached->address + ": " + row_of(setup, *reached));
    reached->stream->close();
}

// Keeps the setup alive while it looks at it: a coroutine frame keeps its parameters.
Awaitable<void> probe_all(runtime::ControlThread& thread,
                          std::shared_ptr<const runtime::RuntimeConfig> setup) {
    std::set<std::string> terminated;
    for (const auto& listener : setup->config.listeners)
        if (listener.tls_mode == config::TlsMode::terminate) terminated.insert(listener.upstream);
    for (const auto& name : terminated) {
        const runtime::UpstreamTarget& target = setup->upstreams.at(name);
        if (!target.tls) continue;
        for (const auto& host : target.conninfo.hosts)
            co_await probe_host(thread, *setup, target, host);
    }
}

} // namespace

void probe_upstreams(runtime::ControlThread& thread) {
    asio::co_spawn(thread.context, probe_all(thread, thread.setup), asio::detached);
}

} // namespace pgmoat::upstream
