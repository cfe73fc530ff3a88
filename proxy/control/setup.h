// What sessions work with: the configuration and all that was built from it, as one immutable
// value. A reload builds a new one whole or not at all; a session keeps the one it began with until
// it is handed over, so that it never sees half of two configurations.
#pragma once

#include "metrics/labels.h"
#include "proxy/config/config.h"
#include "proxy/control/access.h"
#include "tls/context.h"

#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace pgmoat::control {

struct UpstreamTarget {
    std::string name;
    config::Conninfo conninfo;
    std::shared_ptr<const tls::ClientContext> tls; // none with sslmode=disable
};

struct Setup {
    config::Config config;
    std::shared_ptr<const tls::ServerContext> tls; // none with ssl=off
    std::map<std::string, UpstreamTarget> upstreams;
    std::vector<Access> access; // of each listener
};

// The listener's tls_mode in the words of the metrics.
[[nodiscard]] metrics::Mode mode_of(const config::Listener& listener) noexcept;

// Loads certificates, keys and access rules, and may run ssl_passphrase_command for that: it can
// take as long as the limit of that. Rules that `old` had go on with its counts; without it this is
// a start. Throws tls::Error, config::ConfigError.
[[nodiscard]] std::shared_ptr<const Setup>
build_setup(config::Config config, const Setup* old = nullptr, const std::stop_token& stop = {});

// `wanted` is old.config with the hosts file read anew: its files of TLS are loaded, the rules
// stay. That there are no hosts any more is an error. Throws as above.
[[nodiscard]] std::shared_ptr<const Setup>
rebuild_tls(const Setup& old, config::Config wanted, const std::stop_token& stop = {});

// How keys are loaded: with a run_passphrase_command() that ends when `stop`, which must outlive
// it, asks for it.
[[nodiscard]] tls::Loading loading(tls::Occasion occasion, const std::stop_token& stop);

// The row of the SCRAM table (design section 7) that each terminating listener and its upstream are
// in, as far as the configuration tells, as warnings: empty where every client can log in.
[[nodiscard]] std::vector<std::string> scram_warnings(const Setup& setup);

} // namespace pgmoat::control
