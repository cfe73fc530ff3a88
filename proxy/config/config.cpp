#include "proxy/config/config.h"

#include "proxy/config/cross_checks.h"
#include "proxy/config/draft.h"
#include "proxy/config/guc_file.h"
#include "proxy/config/guc_value.h"
#include "proxy/config/hosts_file.h"
#include "proxy/config/listeners.h"
#include "proxy/config/profile.h"
#include "proxy/config/settings.h"
#include "proxy/config/text.h"

#include <algorithm>
#include <array>
#include <filesystem>

namespace pgmoat::config {
namespace {

std::string all_lines(const std::vector<std::string>& messages) {
    std::string text;
    for (const std::string& message : messages)
        text += (text.empty() ? "" : "\n") + message;
    return text;
}

std::filesystem::path folder_of(const Config& config) {
    return std::filesystem::path(config.file).parent_path();
}

// Relative paths are relative to the main configuration file, even in an included file.
void resolve(std::string& path, const std::filesystem::path& folder) {
    if (!path.empty()) path = (folder / path).string();
}

void resolve_files(std::vector<KeywordValue>& conninfo, const std::filesystem::path& folder) {
    constexpr std::array<std::string_view, 6> files{
        "sslrootcert", "sslcrl", "sslcrldir", "sslcert", "sslkey", "passfile"};
    for (auto& [keyword, value] : conninfo)
        if (std::find(files.begin(), files.end(), keyword) != files.end() && value != "system")
            resolve(value, folder);
}

void resolve_pairs(std::vector<tls::KeyPair>& pairs, const std::filesystem::path& folder) {
    for (tls::KeyPair& pair : pairs) {
        resolve(pair.certificate_file, folder);
        resolve(pair.key_file, folder);
    }
}

void resolve_all(Config& config) {
    const std::filesystem::path folder = folder_of(config);
    resolve(config.hosts_file, folder);
    resolve(config.console_auth_file, folder);
    resolve(config.log_file, folder);
    resolve(config.auth_file, folder);
    tls::ServerSettings& tls = config.tls;
    resolve_pairs(tls.pairs, folder);
    for (std::string* path : {&tls.ca_file, &tls.crl_file, &tls.crl_dir, &tls.dh_params_file})
        resolve(*path, folder);
    for (std::string* path :
         {&config.http_tls_cert_file, &config.http_tls_key_file, &config.http_users_file})
        resolve(*path, folder);
    for (auto& [name, upstream] : config.upstreams) {
        if (upstream.sslrootcert != "system") resolve(upstream.sslrootcert, folder);
        for (std::string* path :
             {&upstream.sslcrl, &upstream.sslcrldir, &upstream.sslcert, &upstream.sslkey})
            resolve(*path, folder);
        resolve_files(upstream.given, folder);
    }
    for (auto& [name, check] : config.health) {
        resolve_files(check.login, folder);
        if (check.tls.root_certificate_file != "system")
            resolve(check.tls.root_certificate_file, folder);
        resolve(check.tls.certificate_file, folder);
        resolve(check.tls.key_file, folder);
    }
    resolve_files(config.role_query_conninfo, folder);
    resolve_files(config.auth_query_conninfo, folder);
    resolve(config.ident_file, folder);
    for (Listener& listener : config.listeners) {
        resolve(listener.hba_file, folder);
        resolve(listener.hba_dry_run_file, folder);
        for (std::string& directory : listener.unix_directories)
            if (!directory.starts_with('@')) resolve(directory, folder); // @: an abstract socket
    }
}

void read_hosts(Config& config, const FileSource& source, Problems& problems) {
    if (!config.ssl || !config.ssl_sni) return;
    HostsFile read = read_hosts_file(config.hosts_file, source, problems);
    for (tls::HostSettings& host : read.hosts) {
        resolve_pairs(host.pairs, folder_of(config));
        resolve(host.ca_file, folder_of(config));
    }
    config.tls.hosts = std::move(read.hosts);
    config.hosts_files = std::move(read.files);
}

void read_secrets(Config& config, const FileSource& source, Problems& problems) {
    if (config.auth_file.empty()) return;
    config.auth_secrets = read_auth_file(source, config.auth_file, "auth_file", problems);
    config.auth_file_access = source.read(config.auth_file).access;
}

// If the numbers differ, cross_check() reports it.
void pair_keys(Draft& draft) {
    std::vector<tls::KeyPair>& pairs = draft.config.tls.pairs;
    pairs.clear();
    for (std::size_t i = 0; i < draft.certificate_files.size() && i < draft.key_files.size(); ++i)
        pairs.push_back({draft.certificate_files[i], draft.key_files[i]});
}

} // namespace

ConfigError::ConfigError(std::vector<std::string> all)
    : std::runtime_error(all_lines(all)), messages(std::move(all)) {}

Config load_config(const std::string& file) {
    return load_config(file, Disk());
}

Config load_config(const std::string& file, const FileSource& source) {
    Problems problems;
    Draft draft;
    draft.config.file = file;
    draft.config.directory = std::filesystem::path(file).parent_path().string();
    if (draft.config.directory.empty()) draft.config.directory = ".";
    apply_settings(read_guc_file(source, file, problems), draft, problems);
    apply_profile(draft);
    pair_keys(draft);
    build_listeners(draft, problems);
    resolve_all(draft.config);
    read_hosts(draft.config, source, problems);
    if (!draft.config.console_auth_file.empty())
        draft.config.console_secrets =
            read_auth_file(source, draft.config.console_auth_file, "console_auth_file", problems);
    read_secrets(draft.config, source, problems);
    draft.config.console_mock_key = mock_key_of(draft.config.console_secrets);
    // If a line is wrong, its setting is missing: that must not cause a second error.
    if (problems.errors.empty()) cross_check(draft, problems);
    if (!problems.errors.empty()) throw ConfigError(std::move(problems.errors));
    // cross_check() has warned. Certificates that no client would see are not loaded.
    if (!terminates_tls(draft.config)) draft.config.ssl = false;
    draft.config.warnings = std::move(problems.warnings);
    return std::move(draft.config);
}

void reread_secrets(Config& config, const FileSource& source) {
    Problems problems;
    read_secrets(config, source, problems);
    if (!problems.errors.empty()) throw ConfigError(std::move(problems.errors));
}

void reread_hosts(Config& config, const FileSource& source) {
    Problems problems;
    read_hosts(config, source, problems);
    if (!problems.errors.empty()) throw ConfigError(std::move(problems.errors));
}

LoginMode login_mode_of(const Config& config, const Conninfo& upstream) noexcept {
    return upstream.login.value_or(config.login);
}

bool has_secret_source(const Config& config) noexcept {
    return !config.auth_file.empty() || !config.auth_query_conninfo.empty();
}

const Listener* find_listener(const Config& config, std::string_view name) noexcept {
    for (const Listener& listener : config.listeners)
        if (listener.name == name) return &listener;
    return nullptr;
}

const Listener& listener_named(const Config& config, const std::string& name) {
    if (name.empty()) return config.listeners.front();
    if (const Listener* const listener = find_listener(config, name)) return *listener;
    throw ConfigError({"there is no listener \"" + name + "\""});
}

bool terminates_tls(const Config& config) noexcept {
    return std::any_of(
        config.listeners.begin(), config.listeners.end(), [](const Listener& listener) {
            return listener.tls_mode == TlsMode::terminate;
        });
}

bool has_console(const Config& config) noexcept {
    return !config.console_users.empty() || !config.console_stats_users.empty();
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return std::nullopt;
    std::string_view host = text.substr(0, colon);
    const std::string_view port = text.substr(colon + 1);
    const bool in_brackets = host.size() > 2 && host.starts_with('[') && host.ends_with(']');
    if (in_brackets) host = host.substr(1, host.size() - 2);
    const bool has_colon = host.find(':') != std::string_view::npos;
    if (host.empty() || has_colon != in_brackets ||
        host.find_first_of("[]") != std::string_view::npos)
        return std::nullopt;
    if (port.empty() || port.size() > 5 ||
        port.find_first_not_of("0123456789") != std::string_view::npos)
        return std::nullopt;
    const int number = std::stoi(std::string(port));
    if (number < 1 || number > 65535) return std::nullopt;
    return Endpoint{std::string(host), static_cast<std::uint16_t>(number)};
}

} // namespace pgmoat::config
