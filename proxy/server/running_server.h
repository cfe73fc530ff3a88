// The server while it serves: the planes, the admin side and what watches over them. All of it is on the
// first control thread, unless it says otherwise. Included by server*.cpp alone; others call Server.
#pragma once

#include "proxy/access/address_gate.h"
#include "proxy/admin/console/console.h"
#include "proxy/relay/plane.h"
#include "proxy/server/admin_server.h"
#include "proxy/server/certificate_gauges.h"
#include "proxy/server/certificate_watch.h"
#include "proxy/server/console_backend.h"
#include "proxy/server/ending_sessions.h"
#include "proxy/server/reloader.h"
#include "proxy/server/server.h"
#include "proxy/server/sessions_in.h"
#include "proxy/server/sessions_out.h"
#include "proxy/server/successor.h"
#include "proxy/server/worker_thread.h"
#include "proxy/telemetry/session_table.h"
#include "proxy/upstream/health_checks.h"

#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include <chrono>
#include <ctime>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pgmoat::server {

// Members are destroyed in reverse order: first nobody accepts, then the control threads end, then
// the relay plane, and only then what both of them use.
struct Server::Running {
    Running(telemetry::Log& shared_log,
            std::shared_ptr<const runtime::RuntimeConfig> initial,
            std::vector<session::ListeningSocket> sockets,
            admin::HttpAccess access,
            FileLooks seen,
            ServiceManager& manager,
            HandedOverSockets& handed_over);

    // --- at work (server.cpp)

    [[nodiscard]] int run();
    void open_console();
    [[nodiscard]] ServerVerbs verbs();
    [[nodiscard]] std::string
    set_service(const config::Place& place, bool in_service, const std::string& user);
    [[nodiscard]] std::size_t sessions_left() const;
    void wait_for_signal();
    void reopen_log();
    [[nodiscard]] AdminNews news() const;
    void tell_http();
    void keep_house();
    void end_overdue_sessions();
    void check_health();
    void keep_watchdog_quiet();

    // --- reload (server_reload.cpp)

    void reload();
    void reloaded(const Reloaded& result);
    void watch_files(FileLooks seen);
    void take(std::shared_ptr<const runtime::RuntimeConfig> fresh,
              const std::function<void()>& in_force);
    void spread(std::shared_ptr<const runtime::RuntimeConfig> now,
                std::size_t next,
                const std::function<void()>& in_force);
    void apply_log_settings();

    // --- upgrade (server_upgrade.cpp)

    void start_successor();
    void hand_over_to(pid_t pid, Descriptor sessions);
    void hand_over_sessions(Descriptor sessions);
    void take_over_sessions();
    void take_over_files();

    // --- shutdown (server_shutdown.cpp)

    void drain(const std::string& why);
    void stop_listening(const std::string& why, relay::Whom leaving = relay::Whom::all);
    void wait_until_empty();
    void stop_now(const std::string& why);
    void end_control_sessions(const std::string& detail);
    void finish();

    telemetry::Log& log;
    ServiceManager& service_manager;
    std::shared_ptr<const runtime::RuntimeConfig> setup;
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
    std::vector<std::unique_ptr<runtime::ControlThread>> threads;
    EndingSessions ending{threads, services};
    runtime::ControlThread health_thread{services, setup}; // no session is on it
    std::optional<upstream::HealthChecks> health;
    WorkerThread console_thread; // its handlers belong to sessions of the control threads
    std::vector<std::unique_ptr<session::Listener>> listeners;
    std::optional<boost::asio::signal_set> signals;
    std::optional<boost::asio::steady_timer> timer; // of the shutdown
    std::optional<boost::asio::steady_timer> housekeeper;
    std::optional<boost::asio::steady_timer> session_clock;
    std::optional<boost::asio::steady_timer> watchdog;
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

} // namespace pgmoat::server
