#include "proxy/server/server.h"

#include "proxy/access/dry_run.h"
#include "proxy/access/kill.h"
#include "proxy/access/load_rules.h"
#include "proxy/relay/uring.h"
#include "proxy/server/limits.h"
#include "proxy/server/load_runtime_config.h"
#include "proxy/server/open_listeners.h"
#include "proxy/server/process.h"
#include "proxy/server/running_server.h"
#include "proxy/session/cancel_request.h"
#include "proxy/thread_signals.h"
#include "proxy/upstream/probe.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>

#include <algorithm>
#include <csignal>
#include <exception>
#include <thread>
#include <utility>

namespace pgmoat::server {

using runtime::ControlThread;
using runtime::RuntimeConfig;
namespace asio = boost::asio;

namespace {

void log_tls_notes(telemetry::Log& log, const RuntimeConfig& setup) {
    if (!setup.tls) return;
    for (const auto& note : setup.tls->notes())
        log.warning(note);
}

// The last net: an exception that leaves a handler costs what that handler was about, and no more. It
// is a fault of ours or a lack of memory: counted, and told once for each.
void run_until_stopped(ControlThread& thread) {
    for (;;) {
        try {
            thread.context.run();
            return;
        } catch (const std::exception& error) {
            thread.services.counters.block_of_this_thread().internal_error();
            thread.services.log.error(std::string("internal error: ") + error.what());
        }
    }
}

} // namespace

Server::Running::Running(telemetry::Log& shared_log,
                         std::shared_ptr<const RuntimeConfig> initial,
                         std::vector<session::ListeningSocket> sockets,
                         admin::HttpAccess access,
                         FileLooks seen,
                         ServiceManager& manager,
                         HandedOverSockets& handed_over)
    : log(shared_log), service_manager(manager), setup(std::move(initial)),
      addresses(setup->config, counters), reporter(log, counters),
      plane({static_cast<std::size_t>(setup->config.relay_threads), setup->config.relay_spin},
            reporter,
            counters),
      services{table, plane, reporter, counters, log} {
    services.addresses = &addresses;
    for (int i = 0; i < setup->config.control_threads; ++i)
        threads.push_back(std::make_unique<ControlThread>(services, setup));
    for (auto& socket : sockets) {
        const auto& listener = setup->config.listeners[socket.listener];
        const auto id = counters.add_listener(listener.name, runtime::mode_of(listener));
        listeners.push_back(std::make_unique<session::Listener>(threads, std::move(socket), id));
    }
    if (!setup->config.http_listen.empty())
        http.emplace(http_thread.context(),
                     AdminSources{counters, table, plane, threads, reporter.recent_refusals(), log},
                     news(),
                     std::move(access),
                     handed_over);
    if (const std::string left = handed_over.unclaimed(); !left.empty())
        throw BindError("a socket was handed over for " + left +
                        ", on which no listener is configured");
    open_console();
    signals.emplace(threads[0]->context, SIGHUP, SIGTERM, SIGINT);
    signals->add(SIGUSR1);
    signals->add(SIGUSR2);
    successor.emplace(threads[0]->context,
                      Successor::Events{[this](pid_t pid, Descriptor sessions) {
                                            hand_over_to(pid, std::move(sessions));
                                        },
                                        [this](const std::string& why) {
                                            log.error("the new process did not start: " + why);
                                            log.info("nothing has changed");
                                        }});
    health.emplace(health_thread, [this] {
        asio::post(threads[0]->context, [this] { ending.end_misplaced(*setup); });
    });
    timer.emplace(threads[0]->context);
    housekeeper.emplace(threads[0]->context);
    session_clock.emplace(threads[0]->context);
    watchdog.emplace(threads[0]->context);
    reloader.emplace(
        threads[0]->context,
        [this] { return setup; },
        [this](const Reloaded& result) { reloaded(result); });
    watch_files(std::move(seen));
    apply_log_settings();
}

int Server::Running::run() {
    for (auto& listener : listeners)
        listener->start();
    wait_for_signal();
    release_signals();
    keep_house();
    end_overdue_sessions();
    upstream::probe_upstreams(*threads[0]);
    for (auto& thread : threads)
        thread->lag.start();
    take_over_files();
    take_over_sessions();
    log.info("ready to accept connections");
    service_manager.ready("ready to accept connections");
    keep_watchdog_quiet();

    console_thread.start(log);
    if (http) http_thread.start(log);
    std::vector<std::jthread> others;
    others.reserve(threads.size());
    for (std::size_t i = 1; i < threads.size(); ++i)
        others.push_back(start_thread<std::jthread>([this, i] {
            const auto work = asio::make_work_guard(threads[i]->context);
            run_until_stopped(*threads[i]);
        }));
    others.push_back(start_thread<std::jthread>([this] {
        const auto work = asio::make_work_guard(health_thread.context);
        run_until_stopped(health_thread);
    }));
    check_health();
    const auto work = asio::make_work_guard(threads[0]->context);
    run_until_stopped(*threads[0]);
    for (auto& thread : threads)
        thread->context.stop();
    health_thread.context.stop();
    console_thread.stop();
    http_thread.stop();
    return exit_code;
}

void Server::Running::open_console() {
    console.emplace(threads[0]->context.get_executor(),
                    console_thread.context().get_executor(),
                    console_backend);
    services.serve_console = [this](admin::ConsoleClient& client,
                                    const admin::ConsoleLogin& login) {
        return console->serve(client, login);
    };
}

ServerVerbs Server::Running::verbs() {
    return {[this] { return setup; },
            [this](const std::string& user, Reloader::Heard heard) {
                log.info("console user \"" + user + "\" asks to reload configuration files");
                reloader->request(ReloadKind::all, std::move(heard));
            },
            [this](std::uint64_t id, const std::string& detail) {
                // The key goes with the session's row: asked for before that.
                session::cancel_query(*threads[0], id);
                return access::kill(threads, id, detail);
            },
            [this](const config::Place& place, bool in_service, const std::string& user) {
                return set_service(place, in_service, user);
            },
            [this](const std::string& user) {
                if (!state.draining) drain("console user \"" + user + "\" asks to drain");
            },
            [this](const std::string& user) {
                stop_now("console user \"" + user + "\" asks to shut down");
            }};
}

std::string
Server::Running::set_service(const config::Place& place, bool in_service, const std::string& user) {
    if (std::string wrong = config::why_no_place(setup->config, place); !wrong.empty())
        return wrong;
    if (in_service && !services.out_of_service.put_back(place))
        return shown(place) + " is not drained";
    if (!in_service) services.out_of_service.take_out(place);
    log.info("console user \"" + user + "\" asks to " + (in_service ? "undrain " : "drain ") +
             shown(place));
    ending.end_drained();
    return {};
}

// All but the console's: they end when nobody else is left.
std::size_t Server::Running::sessions_left() const {
    const std::size_t live = table.live();
    return live - std::min(live, console->sessions());
}

void Server::Running::wait_for_signal() {
    signals->async_wait([this](const error_code& error, int signal) {
        if (error) return;
        wait_for_signal(); // first: what follows may throw
        if (signal == SIGHUP)
            reload();
        else if (signal == SIGUSR1)
            reopen_log();
        else if (signal == SIGUSR2)
            start_successor();
        else if (signal == SIGTERM && !state.draining)
            drain("received smart shutdown request");
        else
            stop_now("received fast shutdown request");
    });
}

void Server::Running::reopen_log() {
    if (const std::string failure = log.reopen(); !failure.empty()) log.error(failure);
}

AdminNews Server::Running::news() const {
    return {setup, state};
}

void Server::Running::tell_http() {
    if (http) http->tell(news());
}

void Server::Running::keep_house() {
    housekeeper->expires_after(housekeeping_pause);
    housekeeper->async_wait([this](const error_code& error) {
        if (!error) keep_house();
    });
    reporter.summarise_refusals();
    access::summarise_dry_run(services);
    if (http) http->sample();
}

void Server::Running::end_overdue_sessions() {
    session_clock->expires_after(session_timeouts_look);
    session_clock->async_wait([this](const error_code& error) {
        if (!error) end_overdue_sessions();
    });
    ending.end_overdue(setup->config);
    ending.end_drained(); // those too that were on their way in
    ending.end_misplaced(*setup);
}

// On its own thread, with the configuration in force.
void Server::Running::check_health() {
    asio::post(health_thread.context, [this, now = setup] { health->use(now); });
}

// Says that the first control thread's loop goes round; the manager restarts a process that
// hangs.
void Server::Running::keep_watchdog_quiet() {
    const auto interval = service_manager.watchdog();
    if (!interval) return;
    service_manager.keep_alive();
    watchdog->expires_after(*interval);
    watchdog->async_wait([this](const error_code& error) {
        if (!error) keep_watchdog_quiet();
    });
}

Server::Server(config::Config config, telemetry::Log& log, ServiceManager& service_manager)
    : log_(log), service_manager_(service_manager), looks_(look_at(tls_files_of(config))),
      setup_(load_runtime_config(std::move(config))),
      http_access_(admin::load_http_access(setup_->config)),
      handed_over_(service_manager.take_sockets()),
      sockets_(open_listeners(setup_->config, notes_, handed_over_)) {}

Server::~Server() = default;

int Server::run() {
    log_start();
    Running running(log_,
                    std::move(setup_),
                    std::move(sockets_),
                    std::move(http_access_),
                    std::move(looks_),
                    service_manager_,
                    handed_over_);
    return running.run();
}

void Server::log_start() const {
    const config::Config& config = setup_->config;
    for (const auto& warning : config.warnings)
        log_.warning(warning);
    for (const auto& warning : http_access_.warnings)
        log_.warning(warning);
    for (const auto& warning : access::access_warnings(setup_->access))
        log_.warning(warning);
    for (const auto& warning : scram_warnings(*setup_))
        log_.warning(warning);
    log_tls_notes(log_, *setup_);
    for (const auto& note : notes_)
        log_.warning(note);
    const auto wanted = static_cast<std::size_t>(config.max_connections);
    const std::string shortage = shortage_of_descriptors(provide_descriptors(wanted), wanted);
    if (!shortage.empty()) log_.warning(shortage);
    if (!relay::Uring(1).usable())
        log_.info("io_uring is not available: each receive and send needs its own system call");
    for (const auto& socket : sockets_)
        log_.info("listening on " + socket.shown);
}

} // namespace pgmoat::server
