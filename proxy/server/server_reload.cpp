// A reload: all or nothing, and what follows from a configuration that is now in force.
#include "proxy/access/load_rules.h"
#include "proxy/access/recheck_sessions.h"
#include "proxy/server/running_server.h"

#include <boost/asio/post.hpp>

#include <exception>
#include <utility>

namespace pgmoat::server {

using runtime::ControlThread;
using runtime::RuntimeConfig;
namespace asio = boost::asio;

void Server::Running::reload() {
    log.info("received SIGHUP, reloading configuration files");
    service_manager.reloading();
    reloader->request(ReloadKind::all);
}

void Server::Running::reloaded(const Reloaded& result) {
    const bool rotated = result.kind == ReloadKind::tls_files;
    if (!result.setup && certificate_watch && !certificate_watch->gives_up() && rotated) return;
    state.last_reload_successful = result.setup != nullptr;
    for (const auto& warning : result.warnings)
        log.warning(warning);
    for (const auto& error : result.errors)
        log.error(error);
    if (!result.setup) {
        if (!rotated && !state.draining)
            service_manager.ready("reload failed: " + result.errors.front());
        mark_faults(state.certificates, result.certificates);
        tell_http();
        for (const auto& heard : result.heard)
            heard(result.errors.front());
        return;
    }
    state.certificates = result.certificates;
    state.last_reload_success_time = std::time(nullptr);
    take(result.setup, [this, rotated, asked = result.heard] {
        log.info(rotated ? "certificate files have changed and were loaded"
                         : "configuration was reloaded");
        if (!rotated && !state.draining) service_manager.ready("configuration was reloaded");
        for (const auto& heard : asked)
            heard({});
    });
    if (http) http->use(result.http);
    tell_http();
    watch_files(result.looks);
}

void Server::Running::watch_files(FileLooks seen) {
    const auto files = files_to_watch(setup->config);
    if (files.empty() && !certificate_watch) return;
    try {
        if (!certificate_watch)
            certificate_watch.emplace(threads[0]->context,
                                      [this] { reloader->request(ReloadKind::tls_files); });
        for (const auto& failure : certificate_watch->watch(files, std::move(seen)))
            log.warning("ssl_watch: " + failure);
    } catch (const std::exception& error) {
        log.error(std::string("ssl_watch: ") + error.what());
    }
}

// `in_force` is called when every thread has it.
void Server::Running::take(std::shared_ptr<const RuntimeConfig> fresh,
                           const std::function<void()>& in_force) {
    for (const auto& line : access::access_changes(*setup, *fresh))
        log.info(line);
    setup = std::move(fresh);
    addresses.use(setup->config);
    for (auto& listener : listeners)
        listener->use(setup->config);
    apply_log_settings();
    check_health();
    spread(setup, 0, in_force);
}

// Each thread in turn takes the setup; when all have it, live sessions are looked over.
// `now` goes along: `setup` belongs to the first thread.
void Server::Running::spread(std::shared_ptr<const RuntimeConfig> now,
                             std::size_t next,
                             const std::function<void()>& in_force) {
    ControlThread& thread = *threads[next % threads.size()];
    asio::post(thread.context, [this, next, &thread, now = std::move(now), in_force] {
        if (next == threads.size()) {
            in_force();
            return access::recheck_sessions(threads);
        }
        thread.setup = now;
        spread(now, next + 1, in_force);
    });
}

void Server::Running::apply_log_settings() {
    log.configure(setup->config.log_min_messages, setup->config.log_format);
    reporter.log_every_end(setup->config.log_disconnections);
}

} // namespace pgmoat::server
