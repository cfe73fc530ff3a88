#include "proxy/server/load_runtime_config.h"

#include "proxy/lookups/secrets.h"
#include "proxy/server/limits.h"
#include "proxy/server/passphrase_command.h"
#include "proxy/server/process.h"

#include <climits>

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

namespace pgmoat::server {

namespace {

using config::SslMode;

bool reached_over_network(const config::Conninfo& conninfo) {
    for (const auto& host : conninfo.hosts)
        if (!host.is_local()) return true;
    return false;
}

// `check` may run as root for a service that does not: then the owner of the key shows which user
// serves.
constexpr unsigned nobody_known = UINT_MAX;

std::optional<unsigned> user_who_serves(const config::Config& config) {
    if (::geteuid() != 0) return std::nullopt;
    if (!config.user.empty()) return user_to_become(config.user);
    const std::string file = first_key_of(config.tls);
    struct stat status {};
    if (file.empty() || ::stat(file.c_str(), &status) != 0 || status.st_uid == 0)
        return nobody_known;
    return status.st_uid;
}

// The file contains no ClientKey, but with a ServerKey one can impersonate the server.
void check_secret_file(const config::Config& config) {
    if (!config.auth_file_access) return;
    unsigned serves = user_who_serves(config).value_or(::geteuid());
    if (serves == nobody_known) serves = config.auth_file_access->owner;
    const std::string wrong =
        config::secret_file_problem(config.auth_file, *config.auth_file_access, serves);
    if (!wrong.empty()) throw config::ConfigError({wrong});
}

// Adds the setting that named a file to the error about the file.
[[noreturn]] void fail_with_setting(const tls::Error& error,
                                    const config::Config& config,
                                    const std::string& prefix) {
    std::string where;
    for (const auto& [name, given] : config.given) {
        if (!name.starts_with(prefix) || given.value.empty()) continue;
        const std::string file = std::filesystem::path(given.value).filename().string();
        const bool names_it = prefix == "ssl_"
                                  ? std::string(error.what()).find(file + "\"") != std::string::npos
                                  : name == prefix;
        if (names_it) where = "\"" + name + "\"" + config::text_of(given.location);
    }
    if (where.empty()) throw tls::Error(error);
    // In the hint, since the detail is PostgreSQL's.
    throw tls::Error(error.what(),
                     error.detail,
                     error.hint + (error.hint.empty() ? "" : " ") + "It is set by " + where + ".");
}

std::shared_ptr<const tls::ServerContext>
load_own_tls(const config::Config& config, tls::Occasion occasion, const std::stop_token& stop) {
    tls::Loading how = loading(occasion, stop);
    how.run_as = user_who_serves(config);
    try {
        return tls::ServerContext::load(config.tls, how);
    } catch (const tls::Error& error) {
        fail_with_setting(error, config, "ssl_");
    }
}

std::shared_ptr<const tls::ClientContext> load_tls_to(const config::Config& config,
                                                      const std::string& upstream,
                                                      const config::Conninfo& conninfo) {
    try {
        return tls::ClientContext::load(config::client_tls_settings(conninfo));
    } catch (const tls::Error& error) {
        fail_with_setting(
            error, config, upstream == "default" ? "upstream" : "upstream." + upstream);
    }
}

std::shared_ptr<const tls::ClientContext> load_tls_to_patroni(const config::Config& config,
                                                              const std::string& upstream,
                                                              const config::HealthCheck& check) {
    const bool in_tls = std::ranges::any_of(check.urls, &config::HttpAddress::tls);
    if (!in_tls) return nullptr;
    try {
        return tls::ClientContext::load(check.tls);
    } catch (const tls::Error& error) {
        fail_with_setting(error, config, upstream == "default" ? "health" : "health." + upstream);
    }
}

// Whether SCRAM logins that cannot be relayed can be bridged.
bool can_bridge(const runtime::RuntimeConfig& setup, const runtime::UpstreamTarget& target) {
    return target.login != config::LoginMode::relay && config::has_secret_source(setup.config);
}

bool every_login_can_be_bridged(const runtime::RuntimeConfig& setup) {
    return std::ranges::all_of(
        setup.upstreams, [&](const auto& upstream) { return can_bridge(setup, *upstream.second); });
}

std::shared_ptr<const runtime::RuntimeConfig> build_with(config::Config config,
                                                         std::vector<runtime::Access> access,
                                                         tls::Occasion occasion,
                                                         const std::stop_token& stop) {
    check_secret_file(config);
    auto setup = std::make_shared<runtime::RuntimeConfig>();
    setup->access = std::move(access);
    if (config.ssl) setup->tls = load_own_tls(config, occasion, stop);
    for (const auto& [name, conninfo] : config.upstreams) {
        runtime::UpstreamTarget target{name,
                                       conninfo,
                                       nullptr,
                                       config::login_mode_of(config, conninfo),
                                       lookups::secret_source(config, conninfo)};
        if (conninfo.sslmode != SslMode::disable) target.tls = load_tls_to(config, name, conninfo);
        setup->upstreams.emplace(
            name, std::make_shared<const runtime::UpstreamTarget>(std::move(target)));
    }
    for (const auto& [name, check] : config.health)
        setup->health_tls[name] = load_tls_to_patroni(config, name, check);
    setup->config = std::move(config);
    return setup;
}

} // namespace

std::string first_key_of(const tls::ServerSettings& settings) {
    for (const auto& host : tls::hosts_of(settings))
        for (const auto& pair : host.pairs)
            return pair.key_file;
    return {};
}

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
    // A program that rewrites the file may remove or empty it first, and meanwhile all hosts would
    // use ssl_cert_file and ssl_ca_file. An administrator may ask for that, a file event must not.
    if (wanted.tls.hosts.empty() && !old.config.tls.hosts.empty())
        throw config::ConfigError({"hosts file \"" + wanted.hosts_file +
                                   "\" is empty; ignored by ssl_watch, send SIGHUP to load it"});
    return build_with(std::move(wanted), old.access, tls::Occasion::reload, stop);
}

tls::Loading loading(tls::Occasion occasion, const std::stop_token& stop) {
    return {occasion,
            [&stop](const std::string& command) {
                return run_passphrase_command(command, passphrase_timeout, stop);
            },
            std::nullopt};
}

std::vector<std::string> scram_warnings(const runtime::RuntimeConfig& setup) {
    std::vector<std::string> warnings;
    if (!setup.tls) return warnings;
    if (every_login_can_be_bridged(setup)) return warnings;
    for (const auto& own : setup.tls->certificates()) {
        if (own.has_channel_binding_digest) continue;
        warnings.push_back("the signature algorithm of server certificate \"" + own.file +
                           "\" has no digest: libpq clients cannot log in with SCRAM unless they "
                           "set channel_binding=disable, if the server offers SCRAM-SHA-256-PLUS");
    }
    for (const std::string& upstream : upstreams_of_terminated(setup)) {
        const runtime::UpstreamTarget& target = *setup.upstreams.at(upstream);
        const auto& conninfo = target.conninfo;
        if (can_bridge(setup, target)) continue;
        if (conninfo.sslmode == SslMode::disable || !reached_over_network(conninfo)) continue;
        warnings.push_back(
            "TLS is used on both legs of upstream \"" + upstream +
            "\": libpq clients can log in with SCRAM only if that server shows the same "
            "certificate as pgmoat, or if they set channel_binding=disable; for the others set " +
            (target.login == config::LoginMode::relay
                 ? "\"login\" to \"auto\""
                 : "\"auth_file\" or \"auth_query_conninfo\""));
    }
    return warnings;
}

} // namespace pgmoat::server
