// Builds the configuration that sessions work with: at a start and at each reload.
#pragma once

#include "proxy/access/load_rules.h"
#include "proxy/config/config.h"
#include "proxy/runtime/runtime_config.h"
#include "tls/context.h"

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

namespace pgmoat::server {

// Loads certificates, keys and access rules, and may run ssl_passphrase_command for that: it can
// take as long as the limit of that. Rules that `old` had go on with its counts; without it this is
// a start. Throws tls::Error, config::ConfigError.
[[nodiscard]] std::shared_ptr<const runtime::RuntimeConfig>
load_runtime_config(config::Config config,
                    const runtime::RuntimeConfig* old = nullptr,
                    const std::stop_token& stop = {});

// `wanted` is old.config with the hosts file read again: its TLS files are loaded, the rules
// stay. That there are no hosts any more is an error. Throws as above.
[[nodiscard]] std::shared_ptr<const runtime::RuntimeConfig> reload_tls(
    const runtime::RuntimeConfig& old, config::Config wanted, const std::stop_token& stop = {});

// How keys are loaded: with a run_passphrase_command() that ends when `stop`, which must outlive
// it, asks for it.
[[nodiscard]] tls::Loading loading(tls::Occasion occasion, const std::stop_token& stop);

// The private key of the first host; empty: none.
[[nodiscard]] std::string first_key_of(const tls::ServerSettings& settings);

// The row of the SCRAM table (design section 7) that each terminating listener and its upstream are
// in, as far as the configuration tells, as warnings: empty where every client can log in.
[[nodiscard]] std::vector<std::string> scram_warnings(const runtime::RuntimeConfig& setup);

} // namespace pgmoat::server
