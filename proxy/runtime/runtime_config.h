// The configuration and everything built from it, as one immutable value for sessions. A reload
// builds a new one completely or fails. A session keeps the one it began with until it is handed
// over, so that it never sees a mixture of two.
#pragma once

#include "metrics/labels.h"
#include "proxy/config/config.h"
#include "proxy/hba/rule.h"
#include "proxy/lookups/roles.h"
#include "tls/context.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace pgmoat::runtime {

// The access rules of one listener.
struct Access {
    std::shared_ptr<const hba::Rules> rules;   // none: all clients are let in
    std::shared_ptr<const hba::Rules> dry_run; // none: no dry run
    bool routes = false;                       // a rule may choose the upstream
    lookups::RoleSource roles;                 // where to look up the roles in the rules
};

struct UpstreamTarget {
    std::string name;
    config::Conninfo conninfo;
    std::shared_ptr<const tls::ClientContext> tls; // none with sslmode=disable
    config::LoginMode login = config::LoginMode::automatic;
    lookups::QuerySource secrets; // where auth_query gets SCRAM secrets; empty: nowhere
};

// The target with its host template filled in from the groups of a rule's sni=; itself, if it is
// not a template. Null: the groups give no valid host.
[[nodiscard]] std::shared_ptr<const UpstreamTarget>
fill_target(std::shared_ptr<const UpstreamTarget> target, const std::vector<std::string>& groups);

struct RuntimeConfig {
    config::Config config;
    std::shared_ptr<const tls::ServerContext> tls; // none with ssl=off
    // Shared pointers of their own, because a session's row keeps the one that its cancel requests
    // use.
    std::map<std::string, std::shared_ptr<const UpstreamTarget>> upstreams;
    // TLS to Patroni, for each upstream with such a check; none if it is not asked over TLS.
    std::map<std::string, std::shared_ptr<const tls::ClientContext>> health_tls;
    std::vector<Access> access; // of each listener
};

// The listener's tls_mode as the metrics name it.
[[nodiscard]] metrics::Mode mode_of(const config::Listener& listener) noexcept;

// The upstreams to which listeners with tls_mode=terminate send clients, directly or by a rule.
[[nodiscard]] std::set<std::string> upstreams_of_terminated(const RuntimeConfig& setup);

} // namespace pgmoat::runtime
