#include "proxy/server/load_runtime_config.h"

#include "proxy/server/limits.h"
#include "proxy/server/passphrase_command.h"

#include <set>
#include <utility>

namespace pgmoat::server {

namespace {

using config::SslMode;

bool reached_over_network(const config::Conninfo& conninfo) {
    for (const auto& host : conninfo.hosts)
        if (!host.is_local()) return true;
    return false;
}

std::shared_ptr<const runtime::RuntimeConfig> build_with(config::Config config,
                                                         std::vector<runtime::Access> access,
                                                         tls::Occasion occasion,
                                                         const std::stop_token& stop) {
    auto setup = std::make_shared<runtime::RuntimeConfig>();
    setup->access = std::move(access);
    if (config.ssl) setup->tls = tls::ServerContext::load(config.tls, loading(occasion, stop));
    for (const auto& [name, conninfo] : config.upstreams) {
        runtime::UpstreamTarget target{name, conninfo, nullptr};
        if (conninfo.sslmode != SslMode::disable)
            target.tls = tls::ClientContext::load(config::client_tls_settings(conninfo));
        setup->upstreams.emplace(
            name, std::make_shared<const runtime::UpstreamTarget>(std::move(target)));
    }
    setup->config = std::move(config);
    return setup;
}

} // namespace

std::shared_ptr<const runtime::RuntimeConfig> load_runtime_config(config::Config config,
                                                                  const runtime::RuntimeConfig* old,
                                                                  const std::stop_token& stop) {
    std::vector<runtime::Access> access =
        access::load_access(config, old == nullptr ? std::vector<runtime::Access>() : old->access);
    return build_with(std::move(config),
                      std::move(access),
                      old == nullptr ? tls::Occasion::start : tls::Occasion::reload,
                      stop);
}

std::shared_ptr<const runtime::RuntimeConfig>
reload_tls(const runtime::RuntimeConfig& old, config::Config wanted, const std::stop_token& stop) {
    // Whoever writes the file anew may remove or empty it first. All hosts would change to
    // ssl_cert_file and ssl_ca_file meanwhile: a person may ask for that, an event may not.
    if (wanted.tls.hosts.empty() && !old.config.tls.hosts.empty())
        throw config::ConfigError({"hosts file \"" + wanted.hosts_file +
                                   "\" names no host any more: only SIGHUP loads it like that"});
    return build_with(std::move(wanted), old.access, tls::Occasion::reload, stop);
}

tls::Loading loading(tls::Occasion occasion, const std::stop_token& stop) {
    return {occasion, [&stop](const std::string& command) {
                return run_passphrase_command(command, passphrase_timeout, stop);
            }};
}

std::vector<std::string> scram_warnings(const runtime::RuntimeConfig& setup) {
    std::vector<std::string> warnings;
    if (!setup.tls) return warnings;
    for (const auto& own : setup.tls->certificates()) {
        if (own.has_channel_binding_digest) continue;
        warnings.push_back("the signature algorithm of server certificate \"" + own.file +
                           "\" has no digest: libpq clients cannot log in with SCRAM unless they "
                           "set channel_binding=disable, if the server offers SCRAM-SHA-256-PLUS");
    }
    std::set<std::string> seen;
    for (const auto& listener : setup.config.listeners) {
        if (listener.tls_mode != config::TlsMode::terminate) continue;
        if (!seen.insert(listener.upstream).second) continue;
        const auto& conninfo = setup.upstreams.at(listener.upstream)->conninfo;
        if (conninfo.sslmode == SslMode::disable || !reached_over_network(conninfo)) continue;
        warnings.push_back(
            "TLS is terminated for clients and spoken again to upstream \"" + listener.upstream +
            "\": libpq clients can log in with SCRAM only if that server shows the same "
            "certificate as pgmoat, or if they set channel_binding=disable");
    }
    return warnings;
}

} // namespace pgmoat::server
