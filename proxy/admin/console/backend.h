// What the console shows and does: plain values and a few operations. Implemented by the server and
// by tests.
#pragma once

#include "metrics/counters.h"
#include "proxy/config/config.h"
#include "proxy/config/place.h"
#include "proxy/telemetry/limit_states.h"
#include "proxy/telemetry/session_table.h"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace pgmoat::admin {

struct Connection {
    std::uint64_t id = 0;
    telemetry::SessionFacts facts;
    std::uint64_t bytes_from_client = 0;
    std::uint64_t bytes_from_server = 0;
    std::chrono::seconds age{0};
    std::int64_t connected_at = 0; // Unix seconds
};

struct OwnCertificateView {
    std::string file;
    std::string subject;
    std::string issuer;
    std::string serial;
    std::vector<std::string> dns_names;
    std::int64_t not_before = 0; // Unix seconds
    std::int64_t not_after = 0;
};

// A row of pg_hba_file_rules, and the rule's counts.
struct RuleView {
    unsigned number = 0;
    std::string file;
    unsigned line = 0;
    std::string type;
    std::vector<std::string> databases;
    std::vector<std::string> users;
    std::string address;
    std::string netmask;
    std::string method;
    std::vector<std::string> options;
    std::uint64_t hits = 0;    // connections let in
    std::uint64_t refused = 0; // connections refused
    std::int64_t last_hit = 0; // Unix seconds; 0: never
};

// A host of an upstream and its last connection attempt. Times are in Unix seconds.
struct UpstreamHostView {
    std::string upstream;
    std::string host; // as configured
    std::uint16_t port = 0;
    bool up = false; // at the last attempt
    std::int64_t since = 0;
    std::string address;       // of the last attempt
    std::uint64_t reached = 0; // attempts
    std::uint64_t failed = 0;
    std::string last_error;
    std::int64_t last_error_at = 0;
    std::int64_t certificate_not_after = 0; // of the last one it sent; 0: none
    std::string_view role = {};             // from its health check; empty: there is none
    std::int64_t role_since = 0;
    std::optional<std::uint64_t> lag_bytes = {};
    std::string_view health = {}; // of the check itself
    std::int64_t health_since = 0;
    std::string health_error = {};
    std::int64_t health_error_at = 0;
};

// The data for one statement: the configuration in use, and everything else when it is first
// needed. Any thread; the rows of thousands of connections are built here, where no login waits.
class Snapshot {
  public:
    virtual ~Snapshot() = default;

    [[nodiscard]] virtual const std::vector<Connection>& connections() const = 0;
    [[nodiscard]] virtual const config::Config& config() const = 0;
    [[nodiscard]] virtual metrics::Totals totals() const = 0;
    [[nodiscard]] virtual std::vector<OwnCertificateView> certificates() const = 0;
    [[nodiscard]] virtual std::vector<RuleView> rules() const = 0;
    [[nodiscard]] virtual std::vector<UpstreamHostView> upstream_hosts() const = 0;
    [[nodiscard]] virtual telemetry::LimitStates limits() const = 0;
    // Microseconds since 2000.
    [[nodiscard]] virtual std::int64_t now() const = 0;
    [[nodiscard]] virtual std::int64_t started() const = 0;
};

// All calls are on the server's first control thread and must not block.
class Backend {
  public:
    virtual ~Backend() = default;

    [[nodiscard]] virtual std::shared_ptr<const Snapshot> look() const = 0;
    [[nodiscard]] virtual const config::Config& config() const = 0;

    // All or nothing, as SIGHUP. `heard` is called on the same thread at the end, with the first
    // error or an empty text.
    using Heard = std::function<void(const std::string& wrong)>;
    virtual void reload(const std::string& user, Heard heard) = 0;
    // False: there is no such connection.
    [[nodiscard]] virtual bool kill(std::uint64_t id, const std::string& detail) = 0;
    // Takes the place out of service or puts it back. Returns an error; empty: none.
    [[nodiscard]] virtual std::string
    set_service(const config::Place& place, bool in_service, const std::string& user) = 0;
    // Like SIGTERM and like SIGINT; `user` is the console user.
    virtual void drain(const std::string& user) = 0;
    virtual void shut_down(const std::string& user) = 0;
};

} // namespace pgmoat::admin
