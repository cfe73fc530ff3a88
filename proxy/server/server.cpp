#include "proxy/server/server.h"

#include "proxy/access/address_gate.h"
#include "proxy/access/dry_run.h"
#include "proxy/access/kill.h"
#include "proxy/access/load_rules.h"
#include "proxy/access/recheck_sessions.h"
#include "proxy/admin/console/console.h"
#include "proxy/relay/plane.h"
#include "proxy/relay/uring.h"
#include "proxy/server/admin_server.h"
#include "proxy/server/certificate_gauges.h"
#include "proxy/server/certificate_watch.h"
#include "proxy/server/console_backend.h"
#include "proxy/server/limits.h"
#include "proxy/server/load_runtime_config.h"
#include "proxy/server/misplaced_sessions.h"
#include "proxy/server/open_listeners.h"
#include "proxy/server/process.h"
#include "proxy/server/reloader.h"
#include "proxy/server/session_timeouts.h"
#include "proxy/server/sessions_in.h"
#include "proxy/server/sessions_out.h"
#include "proxy/server/successor.h"
#include "proxy/server/worker_thread.h"
#include "proxy/session/cancel_request.h"
#include "proxy/session/session.h"
#include "proxy/telemetry/session_table.h"
#include "proxy/thread_signals.h"
#include "proxy/upstream/health_checks.h"
#include "proxy/upstream/probe.h"

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <algorithm>
#include <csignal>
#include <ctime>
#include <exception>
#include <functional>
#include <optional>
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

// Members are destroyed in reverse order: first nobody accepts, then the control threads end, then
// the relay plane, and only then what both of them use.
struct Server::Running {
    Running(telemetry::Log& shared_log,
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
            listeners.push_back(
                std::make_unique<session::Listener>(threads, std::move(socket), id));
        }
        if (!setup->config.http_listen.empty())
            http.emplace(
                http_thread.context(),
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
            asio::post(threads[0]->context, [this] { end_misplaced_sessions(); });
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

    int run() {
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
        for (std::size_t i = 1; i < threads.size(); ++i)
            others.emplace_back([this, i] {
                block_signals_in_this_thread();
                const auto work = asio::make_work_guard(threads[i]->context);
                run_until_stopped(*threads[i]);
            });
        others.emplace_back([this] {
            block_signals_in_this_thread();
            const auto work = asio::make_work_guard(health_thread.context);
            run_until_stopped(health_thread);
        });
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

    // --- the console ----------------------------------------------------------------------------

    void open_console() {
        console.emplace(threads[0]->context.get_executor(),
                        console_thread.context().get_executor(),
                        console_backend);
        services.serve_console = [this](admin::ConsoleClient& client,
                                        const admin::ConsoleLogin& login) {
            return console->serve(client, login);
        };
    }

    ServerVerbs verbs() {
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

    // All but the console's: they end when nobody else is left.
    std::size_t sessions_left() const {
        const std::size_t live = table.live();
        return live - std::min(live, console->sessions());
    }

    // --- signals --------------------------------------------------------------------------------

    void wait_for_signal() {
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

    void reopen_log() {
        if (const std::string failure = log.reopen(); !failure.empty()) log.error(failure);
    }

    // --- upgrade --------------------------------------------------------------------------------

    void start_successor() {
        if (state.draining || successor->is_under_way())
            return log.info("received SIGUSR2, ignored: " +
                            std::string(state.draining ? "this process is about to end"
                                                       : "a new process is already starting"));
        log.info("received SIGUSR2, starting a new process");
        std::vector<Successor::Socket> sockets;
        for (const auto& listener : listeners)
            sockets.push_back({listener->socket(), listener->owns_file()});
        if (http)
            for (const int number : http->sockets())
                sockets.push_back({number, false});
        std::vector<std::string> environment = service_manager.environment();
        environment.push_back(first_id_variable +
                              ('=' + std::to_string(table.next_id() + ids_left_free)));
        successor->start(sockets, environment);
    }

    // From here on the new process accepts. Clients that wait on the sockets are its own, and so are
    // soon the sessions that have no TLS of ours: those that have leave when they are idle.
    void hand_over_to(pid_t pid, Descriptor sessions) {
        for (auto& listener : listeners)
            listener->leave_file();
        if (http) http->stop();
        service_manager.main_process_is(pid);
        state.draining = true;
        const bool moves = static_cast<bool>(sessions);
        stop_listening("the new process " + std::to_string(pid) + " is ready",
                       moves ? relay::Whom::who_stays : relay::Whom::all);
        if (moves) hand_over_sessions(std::move(sessions));
    }

    void hand_over_sessions(Descriptor sessions) {
        sessions_out = std::make_shared<SessionsOut>(
            *threads[0],
            std::move(sessions),
            SessionsOut::Events{
                [this](std::unique_ptr<relay::Channel> channel) {
                    plane.adopt(std::move(channel));
                    if (cut_off) plane.close_all();
                },
                [this] { plane.close_all_when_idle(drain_end, relay::Whom::all); }});
        sessions_out->start();
    }

    // Of the process before. Its hello must be there before we are ready.
    void take_over_sessions() {
        table.begin_ids_at(service_manager.first_session());
        Descriptor sessions = service_manager.take_sessions();
        if (!sessions) return;
        sessions_in.emplace(threads, std::move(sessions));
        sessions_in->start();
    }

    void take_over_files() {
        if (!service_manager.has_predecessor()) return;
        for (auto& listener : listeners)
            listener->take_over_file();
    }

    void reload() {
        log.info("received SIGHUP, reloading configuration files");
        service_manager.reloading();
        reloader->request(ReloadKind::all);
    }

    void reloaded(const Reloaded& result) {
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

    void watch_files(FileLooks seen) {
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
    void take(std::shared_ptr<const RuntimeConfig> fresh, const std::function<void()>& in_force) {
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
    void spread(std::shared_ptr<const RuntimeConfig> now,
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

    void apply_log_settings() {
        log.configure(setup->config.log_min_messages, setup->config.log_format);
        reporter.log_every_end(setup->config.log_disconnections);
    }

    // --- shutdown -------------------------------------------------------------------------------

    void drain(const std::string& why) {
        successor->stop();
        state.draining = true;
        tell_http();
        const std::chrono::seconds delay = setup->config.drain_delay;
        if (delay.count() == 0) return stop_listening(why);
        log.info(why + ", no longer ready, closing listeners in " + std::to_string(delay.count()) +
                 " s");
        service_manager.stopping("not ready, closing listeners soon",
                                 delay + setup->config.shutdown_timeout + stop_reserve);
        timer->expires_after(delay);
        timer->async_wait([this](const error_code& error) {
            if (!error && !cut_off) stop_listening("drain_delay is over");
        });
    }

    void stop_listening(const std::string& why, relay::Whom leaving = relay::Whom::all) {
        listeners.clear();
        log.info(why + ", waiting for " + std::to_string(sessions_left()) + " connections");
        plane.close_all_when_idle(drain_end, leaving);
        give_up_at = std::chrono::steady_clock::now() + setup->config.shutdown_timeout;
        service_manager.stopping("waiting for " + std::to_string(sessions_left()) + " connections",
                                 setup->config.shutdown_timeout + stop_reserve);
        wait_until_empty();
    }

    void wait_until_empty() {
        timer->expires_after(shutdown_poll);
        timer->async_wait([this](const error_code& error) {
            if (!error) wait_until_empty();
        });
        if (table.live() == 0) return finish();
        if (sessions_left() == 0) end_control_sessions("shut down");
        if (std::chrono::steady_clock::now() >= give_up_at) {
            if (cut_off) return finish();
            return stop_now("shutdown_timeout expired");
        }
    }

    // Every connection is still reported: sessions and channels end with reason drain.
    void stop_now(const std::string& why) {
        if (cut_off) return finish();
        successor->stop();
        cut_off = true;
        if (sessions_out) sessions_out->stop();
        state.draining = true;
        tell_http();
        listeners.clear();
        const std::size_t live = sessions_left();
        log.info(why + ", ending " + std::to_string(live) + " connections");
        if (live > 0) exit_code = 1;
        service_manager.stopping("ending all connections", stop_reserve);
        plane.close_all();
        end_control_sessions("shut down during login");
        give_up_at = std::chrono::steady_clock::now() + cut_off_wait;
        wait_until_empty();
    }

    void end_control_sessions(const std::string& detail) {
        for (auto& thread : threads)
            asio::post(thread->context, [&sessions = thread->sessions, detail] {
                for (auto* session : sessions)
                    session->interrupt({metrics::CloseReason::drain, detail});
            });
    }

    [[nodiscard]] AdminNews news() const { return {setup, state}; }
    void tell_http() {
        if (http) http->tell(news());
    }

    void keep_house() {
        housekeeper->expires_after(housekeeping_pause);
        housekeeper->async_wait([this](const error_code& error) {
            if (!error) keep_house();
        });
        reporter.summarise_refusals();
        access::summarise_dry_run(services);
        if (http) http->sample();
    }

    std::string set_service(const config::Place& place, bool in_service, const std::string& user) {
        if (std::string wrong = config::why_no_place(setup->config, place); !wrong.empty())
            return wrong;
        if (in_service && !services.out_of_service.put_back(place))
            return shown(place) + " is not drained";
        if (!in_service) services.out_of_service.take_out(place);
        log.info("console user \"" + user + "\" asks to " + (in_service ? "undrain " : "drain ") +
                 shown(place));
        end_drained_sessions();
        return {};
    }

    void end_drained_sessions() {
        const runtime::OutOfService& out = services.out_of_service;
        if (!out.any()) return;
        std::vector<std::uint64_t> ids;
        for (const telemetry::SeenSession& seen : table.snapshot()) {
            const telemetry::SessionFacts& facts = *seen.facts;
            const telemetry::BackendLocation& backend = facts.backend;
            if (out.has_listener(facts.listener) ||
                out.has_server(backend.upstream, backend.host, backend.port))
                ids.push_back(seen.id);
        }
        plane.close(ids,
                    {metrics::CloseReason::drain, "its listener or server is drained"},
                    relay::When::idle);
    }

    // On its own thread, with the configuration in force.
    void check_health() {
        asio::post(health_thread.context, [this, now = setup] { health->use(now); });
    }

    // Their server is the primary no more. At once: what they do there may be lost.
    void end_misplaced_sessions() {
        if (setup->config.health.empty() ||
            setup->config.on_role_change == config::OnRoleChange::keep)
            return;
        auto ids = misplaced_sessions(table.snapshot(), *setup, services.host_roles);
        if (ids.empty()) return;
        log.info("ending " + std::to_string(ids.size()) +
                 " sessions whose server is no longer the primary");
        access::end_all(threads,
                        std::move(ids),
                        {metrics::CloseReason::drain, "its server is no longer the primary"});
    }

    // The relay plane has the last word: a session that is not idle by now is left alone.
    void end_overdue_sessions() {
        session_clock->expires_after(session_timeouts_look);
        session_clock->async_wait([this](const error_code& error) {
            if (!error) end_overdue_sessions();
        });
        const config::Config& config = setup->config;
        const SessionTimeouts::Settings limits{config.idle_session_timeout,
                                               config.max_session_lifetime};
        if (limits.idle.count() > 0 || limits.lifetime.count() > 0) {
            const auto due =
                session_timeouts.due(table.snapshot(), limits, std::chrono::steady_clock::now());
            plane.close(due.idle,
                        {metrics::CloseReason::idle, "idle_session_timeout expired"},
                        relay::When::if_idle);
            plane.close(due.lifetime,
                        {metrics::CloseReason::lifetime, "max_session_lifetime expired"},
                        relay::When::idle);
        }
        end_drained_sessions(); // those too that were on their way in
        end_misplaced_sessions();
    }

    // Says that the first control thread's loop goes round; the manager restarts a process that
    // hangs.
    void keep_watchdog_quiet() {
        const auto interval = service_manager.watchdog();
        if (!interval) return;
        service_manager.keep_alive();
        watchdog->expires_after(*interval);
        watchdog->async_wait([this](const error_code& error) {
            if (!error) keep_watchdog_quiet();
        });
    }

    void finish() {
        if (sessions_out) sessions_out->stop();
        reporter.summarise_refusals();
        access::summarise_dry_run(services);
        log.info("shut down");
        block_signals_in_this_thread(); // one more SIGTERM must not kill the process on its last steps
        threads[0]->context.stop();
    }

    telemetry::Log& log;
    ServiceManager& service_manager;
    std::shared_ptr<const RuntimeConfig> setup;
    metrics::Counters counters;
    access::AddressGate addresses; // live connections hold places in it
    telemetry::SessionTable table;
    telemetry::ConnectionLog reporter;
    relay::Plane plane;
    runtime::Services services;
    ConsoleBackend console_backend{{table,
                                    counters,
                                    services.host_states,
                                    services.host_roles,
                                    services.learnt_roles,
                                    addresses},
                                   verbs()};
    std::optional<admin::Console> console;
    std::vector<std::unique_ptr<ControlThread>> threads;
    ControlThread health_thread{services, setup}; // no session is on it
    std::optional<upstream::HealthChecks> health;
    WorkerThread console_thread; // its handlers belong to sessions of the control threads
    std::vector<std::unique_ptr<session::Listener>> listeners;
    std::optional<asio::signal_set> signals;
    std::optional<asio::steady_timer> timer; // of the shutdown
    std::optional<asio::steady_timer> housekeeper;
    std::optional<asio::steady_timer> session_clock;
    SessionTimeouts session_timeouts;
    std::optional<asio::steady_timer> watchdog;
    ServerState state{false, true, std::time(nullptr), read_certificates(*setup)};
    WorkerThread http_thread; // outlives what runs on it
    std::optional<AdminServer> http;
    std::optional<CertificateWatch> certificate_watch;
    std::optional<Reloader> reloader;
    std::optional<Successor> successor;
    std::shared_ptr<SessionsOut> sessions_out; // at an upgrade
    std::optional<SessionsIn> sessions_in;     // after one
    const relay::Ended drain_end{metrics::CloseReason::drain, "pgmoat drains"};
    bool cut_off = false;
    std::chrono::steady_clock::time_point give_up_at;
    int exit_code = 0;
};

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
