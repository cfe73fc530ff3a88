// Builds the planes and the admin side, and runs them until a signal stops them: HUP reloads
// atomically, TERM drains, INT or a second TERM stops at once, USR1 reopens the log file, USR2
// upgrades. The constructor binds and reads keys, so that privileges can be dropped before run().
#pragma once

#include "metrics/counters.h"
#include "proxy/admin/http/http_access.h"
#include "proxy/config/config.h"
#include "proxy/runtime/runtime_config.h"
#include "proxy/runtime/services.h"
#include "proxy/server/file_watch.h"
#include "proxy/server/service_manager.h"
#include "proxy/session/accept.h"
#include "proxy/telemetry/connection_log.h"
#include "proxy/telemetry/log.h"

#include <chrono>
#include <memory>
#include <string>
#include <vector>

namespace pgmoat::server {

class Server {
  public:
    // Throws tls::Error, config::ConfigError, BindError.
    Server(config::Config config, telemetry::Log& log, ServiceManager& service_manager);
    ~Server();
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    // Serves until a signal ends it. The exit code: 0 drained, 1 connections were cut off.
    [[nodiscard]] int run();

  private:
    struct Running; // what exists only while it runs
    void log_start() const;

    telemetry::Log& log_;
    ServiceManager& service_manager_;
    FileLooks looks_; // taken before its files are loaded
    std::shared_ptr<const runtime::RuntimeConfig> setup_;
    admin::HttpAccess http_access_;
    std::vector<std::string> notes_; // from binding
    HandedOverSockets handed_over_;
    std::vector<session::ListeningSocket> sockets_;
};

} // namespace pgmoat::server
