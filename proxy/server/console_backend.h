// Implements the console's backend with the session table, the counters, the configuration in use
// and functions of the server.
#pragma once

#include "metrics/counters.h"
#include "proxy/access/address_gate.h"
#include "proxy/admin/console/backend.h"
#include "proxy/runtime/host_roles.h"
#include "proxy/runtime/host_states.h"
#include "proxy/runtime/learnt_roles.h"
#include "proxy/runtime/runtime_config.h"
#include "proxy/telemetry/session_table.h"

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace pgmoat::server {

struct ServerVerbs {
    using Heard = admin::Backend::Heard;
    std::function<std::shared_ptr<const runtime::RuntimeConfig>()> setup;
    std::function<void(const std::string& user, Heard heard)> reload;
    std::function<bool(std::uint64_t id, const std::string& detail)> kill;
    std::function<std::string(const config::Place&, bool in_service, const std::string& user)>
        set_service;
    std::function<void(const std::string& user)> drain;
    std::function<void(const std::string& user)> shut_down;
};

// Any thread may ask these.
struct ConsoleSources {
    const telemetry::SessionTable& table;
    const metrics::Counters& counters;
    const runtime::HostStates& hosts;
    const runtime::HostRoles& roles;
    const runtime::LearntRoles& learnt_roles;
    const access::AddressGate& addresses;
};

// On the first control thread only.
class ConsoleBackend final : public admin::Backend {
  public:
    ConsoleBackend(ConsoleSources sources, ServerVerbs verbs);

    [[nodiscard]] std::shared_ptr<const admin::Snapshot> look() const override;
    [[nodiscard]] const config::Config& config() const override { return verbs_.setup()->config; }
    void reload(const std::string& user, Heard heard) override {
        verbs_.reload(user, std::move(heard));
    }
    [[nodiscard]] bool kill(std::uint64_t id, const std::string& detail) override {
        return verbs_.kill(id, detail);
    }
    [[nodiscard]] std::string
    set_service(const config::Place& place, bool in_service, const std::string& user) override {
        return verbs_.set_service(place, in_service, user);
    }
    void drain(const std::string& user) override { verbs_.drain(user); }
    void shut_down(const std::string& user) override { verbs_.shut_down(user); }

  private:
    ConsoleSources sources_;
    ServerVerbs verbs_;
    std::int64_t started_; // microseconds since 2000
};

} // namespace pgmoat::server
