// What the console shows and does, taken from the server: the session table, the counters, the
// setup in force, and the server's own verbs. On the first control thread only.
#pragma once

#include "metrics/counters.h"
#include "proxy/admin/console/backend.h"
#include "proxy/runtime/runtime_config.h"
#include "proxy/telemetry/session_table.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace pgmoat::server {

struct ServerVerbs {
    using Heard = admin::Backend::Heard;
    std::function<const runtime::RuntimeConfig&()> setup;
    std::function<void(const std::string& user, Heard heard)> reload;
    std::function<bool(std::uint64_t id, const std::string& detail)> kill;
    std::function<void(const std::string& user)> drain;
    std::function<void(const std::string& user)> shut_down;
};

class ConsoleBackend final : public admin::Backend {
  public:
    ConsoleBackend(const telemetry::SessionTable& table,
                   const metrics::Counters& counters,
                   ServerVerbs verbs)
        : table_(table), counters_(counters), verbs_(std::move(verbs)) {}

    [[nodiscard]] std::vector<admin::Connection> connections() const override;
    [[nodiscard]] const config::Config& config() const override { return verbs_.setup().config; }
    [[nodiscard]] metrics::Totals totals() const override { return counters_.sum(); }
    [[nodiscard]] std::vector<admin::OwnCertificateView> certificates() const override;
    [[nodiscard]] std::vector<admin::RuleView> rules() const override;
    void reload(const std::string& user, Heard heard) override {
        verbs_.reload(user, std::move(heard));
    }
    [[nodiscard]] bool kill(std::uint64_t id, const std::string& detail) override {
        return verbs_.kill(id, detail);
    }
    void drain(const std::string& user) override { verbs_.drain(user); }
    void shut_down(const std::string& user) override { verbs_.shut_down(user); }

  private:
    const telemetry::SessionTable& table_;
    const metrics::Counters& counters_;
    ServerVerbs verbs_;
};

} // namespace pgmoat::server
