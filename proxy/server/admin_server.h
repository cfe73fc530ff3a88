// The server's side of the HTTP endpoint: fills the pages from the session table, the counters and
// the configuration, and keeps the history for the charts. Everything runs on a thread of its own,
// so that no login waits for a page; the first control thread sends it news.
#pragma once

#include "metrics/counters.h"
#include "proxy/admin/http/http.h"
#include "proxy/admin/status/history.h"
#include "proxy/relay/plane.h"
#include "proxy/runtime/runtime_config.h"
#include "proxy/runtime/services.h"
#include "proxy/server/gauges.h"
#include "proxy/server/handed_over_sockets.h"
#include "proxy/telemetry/log.h"
#include "proxy/telemetry/refusal_log.h"
#include "proxy/telemetry/session_table.h"

#include <boost/asio/io_context.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace pgmoat::server {

// The sources of the pages; all must outlive the AdminServer.
struct AdminSources {
    metrics::Counters& counters;
    const telemetry::SessionTable& table;
    const relay::Plane& plane;
    const std::vector<std::unique_ptr<runtime::ControlThread>>& threads;
    const telemetry::RecentRefusals& refusals;
    telemetry::Log& log;
};

// What only the first control thread knows, as of the last tell().
struct AdminNews {
    std::shared_ptr<const runtime::RuntimeConfig> setup; // the one in force
    ServerState state;
};

class AdminServer {
  public:
    // Listens at once; `context` is run by another thread. Throws admin::ListenError.
    AdminServer(boost::asio::io_context& context,
                AdminSources sources,
                AdminNews news,
                admin::HttpAccess access,
                HandedOverSockets& handed_over);

    // Its listening sockets, to be handed to the new process at an upgrade.
    [[nodiscard]] const std::vector<int>& sockets() const noexcept { return listening_; }
    // Stops answering: the new process does.
    void stop() { endpoint_.stop(); }

    // After a reload, on the first control thread.
    void use(admin::HttpAccess access);
    // After any change.
    void tell(AdminNews news);
    // Takes one sample of the history; the server calls it at regular intervals.
    void sample();

  private:
    void take_sample();
    [[nodiscard]] admin::HttpPages pages();
    void warn_of(const admin::HttpAccess& access);
    [[nodiscard]] metrics::Gauges gauges(const telemetry::SeenSessions& sessions) const;
    [[nodiscard]] std::string metrics_text();
    [[nodiscard]] admin::Status status() const;

    boost::asio::io_context& context_;
    AdminSources sources_;
    AdminNews news_;
    std::int64_t started_;
    bool exposed_ = false;           // reachable from other machines
    std::uint64_t dropped_seen_ = 0; // log lines dropped, as of the last look
    std::vector<int> listening_;
    admin::History history_;
    admin::HttpEndpoint endpoint_;
};

} // namespace pgmoat::server
