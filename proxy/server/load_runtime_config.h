// Builds the configuration that sessions work with, at start and at each reload.
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

// Loads certificates, keys and access rules. May run ssl_passphrase_command, and take as long as
// that may. Rules that were in `old` keep their counts; null: this is a start. Throws tls::Error,
// config::ConfigError.
[[nodiscard]] std::shared_ptr<const runtime::RuntimeConfig>
load_runtime_config(config::Config config,
                    const runtime::RuntimeConfig* old = nullptr,
                    const std::stop_token& stop = {});

// `wanted` is old.config with the hosts file read again: its TLS files are loaded, the rules stay.
// It is an error if all hosts have gone. Throws as above.
[[nodiscard]] std::shared_ptr<const runtime::RuntimeConfig> reload_tls(
    const runtime::RuntimeConfig& old, config::Config wanted, const std::stop_token& stop = {});

// How keys are loaded: with a run_passphrase_command() that `stop`, which must outlive it, can
// interrupt.
[[nodiscard]] tls::Loading loading(tls::Occasion occasion, const std::stop_token& stop);

// The private key of the first host; empty: none.
[[nodiscard]] std::string first_key_of(const tls::ServerSettings& settings);

// Warnings for each terminating listener through which some clients cannot log in with SCRAM, as
// far as the configuration shows (deploy/docs/tls.md, "Which login works where").
[[nodiscard]] std::vector<std::string> scram_warnings(const runtime::RuntimeConfig& setup);

} // namespace pgmoat::server
