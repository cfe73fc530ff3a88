// What sessions work with: the configuration and all that was built from it, as one immutable
// value. A reload builds a new one whole or not at all; a session keeps the one it began with until
// it is handed over, so that it never sees half of two configurations.
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
    std::shared_ptr<const hba::Rules> rules;   // none: everyone is let in
    std::shared_ptr<const hba::Rules> dry_run; // none: there is no dry run
    bool routes = false;                       // a rule may choose the upstream
    lookups::RoleSource roles;                 // who knows the roles that the rules name
};

struct UpstreamTarget {
    std::string name;
    config::Conninfo conninfo;
    std::shared_ptr<const tls::ClientContext> tls; // none with sslmode=disable
    config::LoginMode login = config::LoginMode::automatic;
    lookups::QuerySource secrets; // where auth_query asks for SCRAM secrets; empty: nowhere
};

// The target with its hosts made of the groups that a rule's sni= has found; itself, if it is no
// template. None: no host can be made of them.
[[nodiscard]] std::shared_ptr<const UpstreamTarget>
fill_target(std::shared_ptr<const UpstreamTarget> target, const std::vector<std::string>& groups);

struct RuntimeConfig {
    config::Config config;
    std::shared_ptr<const tls::ServerContext> tls; // none with ssl=off
    // Each on its own: a session's row keeps the one that it uses for its cancel requests.
    std::map<std::string, std::shared_ptr<const UpstreamTarget>> upstreams;
    // To Patroni, for each upstream with a health check; none where it is not asked in TLS.
    std::map<std::string, std::shared_ptr<const tls::ClientContext>> health_tls;
    std::vector<Access> access; // of each listener
};

// The listener's tls_mode in the words of the metrics.
[[nodiscard]] metrics::Mode mode_of(const config::Listener& listener) noexcept;

// The upstreams that listeners with tls_mode=terminate send clients to, by themselves or by a rule.
[[nodiscard]] std::set<std::string> upstreams_of_terminated(const RuntimeConfig& setup);

} // namespace pgmoat::runtime
