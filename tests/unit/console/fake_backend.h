// A server that a test describes, and what was asked of it.
#pragma once

#include "proxy/admin/console/backend.h"

#include <string>
#include <vector>

namespace pgmoat::admin {

class FakeBackend final : public Backend {
  public:
    std::vector<Connection> connections() const override { return live; }
    const config::Config& config() const override { return settings; }
    metrics::Totals totals() const override { return counted; }
    std::vector<OwnCertificateView> certificates() const override { return shown; }
    std::vector<RuleView> rules() const override { return listed; }
    void reload(const std::string&, Heard heard) override {
        asked += "reload ";
        heard({});
    }
    bool kill(std::uint64_t id, const std::string& detail) override {
        asked += "kill " + std::to_string(id) + " (" + detail + ") ";
        return id == 7;
    }
    void drain(const std::string&) override { asked += "drain "; }
    void shut_down(const std::string&) override { asked += "shut_down "; }

    std::vector<Connection> live;
    std::vector<RuleView> listed;
    std::vector<OwnCertificateView> shown;
    metrics::Totals counted;
    config::Config settings;
    std::string asked;
};

} // namespace pgmoat::admin
