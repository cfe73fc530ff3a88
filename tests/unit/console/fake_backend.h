// A server that a test describes, and the calls that the console made to it.
#pragma once

#include "proxy/admin/console/backend.h"

#include <memory>
#include <string>
#include <vector>

namespace pgmoat::admin {

struct FakeSnapshot final : Snapshot {
    const std::vector<Connection>& connections() const override { return live; }
    const config::Config& config() const override { return settings; }
    metrics::Totals totals() const override { return counted; }
    std::vector<OwnCertificateView> certificates() const override { return shown; }
    std::vector<RuleView> rules() const override { return listed; }
    std::vector<UpstreamHostView> upstream_hosts() const override { return hosts; }
    telemetry::LimitStates limits() const override { return limited; }
    std::int64_t now() const override { return 1'000'000; }
    std::int64_t started() const override { return 0; }

    std::vector<Connection> live;
    std::vector<RuleView> listed;
    std::vector<OwnCertificateView> shown;
    std::vector<UpstreamHostView> hosts;
    telemetry::LimitStates limited;
    metrics::Totals counted;
    config::Config settings;
};

class FakeBackend final : public Backend {
  public:
    FakeBackend() { server.settings.console_users = {"bob"}; }

    std::shared_ptr<const Snapshot> look() const override {
        return std::make_shared<const FakeSnapshot>(server);
    }
    const config::Config& config() const override { return server.settings; }
    void reload(const std::string&, Heard heard) override {
        asked += "reload ";
        heard(wrong_with_files);
    }
    bool kill(std::uint64_t id, const std::string& detail) override {
        asked += "kill " + std::to_string(id) + " (" + detail + ") ";
        return id == 7;
    }
    std::string
    set_service(const config::Place& place, bool in_service, const std::string&) override {
        const std::string wrong = config::why_no_place(config(), place);
        if (wrong.empty()) asked += (in_service ? "undrain " : "drain ") + shown(place) + ' ';
        return wrong;
    }
    void drain(const std::string&) override { asked += "drain "; }
    void shut_down(const std::string&) override { asked += "shut_down "; }

    FakeSnapshot server;
    std::string wrong_with_files; // the result of a reload
    std::string asked;
};

} // namespace pgmoat::admin
