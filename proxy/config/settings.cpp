#include "proxy/config/settings.h"

#include "proxy/config/limits.h"
#include "proxy/config/profile.h"
#include "proxy/config/setting_stores.h"

#include <climits>

#include <array>

namespace pgmoat::config {
namespace {

using enum ChangeNeeds;
using tls::ServerSettings;

constexpr std::array<std::string_view, 2> tls_modes{"terminate", "passthrough"};
constexpr std::array<std::string_view, 3> login_modes{"auto", "relay", "bridge"};
constexpr std::array<std::string_view, 2> log_formats{"text", "json"};
constexpr std::array<std::string_view, 2> hba_on_reload_words{"keep", "disconnect"};
constexpr std::array<std::string_view, 2> on_role_change_words{"disconnect", "keep"};

// The empty one means "no limit" and is for ssl_max_protocol_version alone.
constexpr std::array<std::string_view, 5> tls_versions{
    "", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};

// PostgreSQL's names; there is one level of debug here, and nothing is fatal or a panic.
constexpr std::array<std::string_view, 10> log_levels{
    "debug1", "debug2", "debug3", "debug4", "debug5", "info", "notice", "warning", "error", "log"};
constexpr std::array<LogLevel, 10> log_level_values{LogLevel::debug,
                                                    LogLevel::debug,
                                                    LogLevel::debug,
                                                    LogLevel::debug,
                                                    LogLevel::debug,
                                                    LogLevel::info,
                                                    LogLevel::notice,
                                                    LogLevel::warning,
                                                    LogLevel::error,
                                                    LogLevel::log};

// Rows whose value lies in a field of Config or of its TLS settings as it is.

template <bool Config::*field>
constexpr SettingRow boolean_row(std::string_view name, std::string_view default_value) {
    return {name,
            default_value,
            reload,
            BooleanSetting{[](Draft& draft, bool value) { draft.config.*field = value; }},
            [](const Config& config) { return std::string(config.*field ? "on" : "off"); }};
}

template <int Config::*field>
constexpr SettingRow integer_row(std::string_view name,
                                 std::string_view default_value,
                                 ChangeNeeds change_needs,
                                 IntegerRange range) {
    return {name,
            default_value,
            change_needs,
            IntegerSetting{range, [](Draft& draft, int value) { draft.config.*field = value; }},
            [](const Config& config) { return std::to_string(config.*field); }};
}

template <std::chrono::seconds Config::*field>
constexpr SettingRow
seconds_row(std::string_view name, std::string_view default_value, int min, int max) {
    return {name,
            default_value,
            reload,
            IntegerSetting{
                {min, max, Unit::seconds},
                [](Draft& draft, int value) { draft.config.*field = std::chrono::seconds(value); }},
            [](const Config& config) { return std::to_string((config.*field).count()); }};
}

template <Rate AddressLimits::*field>
constexpr std::string_view rate_name() {
    if (field == &AddressLimits::handshakes) return "handshake_rate_per_address";
    if (field == &AddressLimits::logins) return "login_rate_per_address";
    return "failed_logins_per_address";
}

template <Rate AddressLimits::*field>
constexpr SettingRow rate_row() {
    return {rate_name<field>(),
            "",
            reload,
            TextSetting{"NUMBER/TIME, or NUMBER/TIME burst=NUMBER",
                        [](Draft& draft, const std::string& value) {
                            return store_rate(
                                rate_name<field>(), value, draft.config.address_limits.*field);
                        }},
            [](const Config& config) { return text_of(config.address_limits.*field); }};
}

template <int AddressLimits::*field>
constexpr SettingRow
prefix_row(std::string_view name, std::string_view default_value, IntegerRange range) {
    return {name,
            default_value,
            reload,
            IntegerSetting{
                range, [](Draft& draft, int value) { draft.config.address_limits.*field = value; }},
            [](const Config& config) { return std::to_string(config.address_limits.*field); }};
}

template <std::string Config::*field>
constexpr SettingRow file_row(std::string_view name) {
    return {name,
            "",
            reload,
            TextSetting{"file",
                        [](Draft& draft, const std::string& value) {
                            draft.config.*field = value;
                            return std::string();
                        }},
            [](const Config& config) { return config.*field; }};
}

template <std::string ServerSettings::*field>
constexpr SettingRow
tls_text_row(std::string_view name, std::string_view default_value, std::string_view format) {
    return {name,
            default_value,
            reload,
            TextSetting{format,
                        [](Draft& draft, const std::string& value) {
                            draft.config.tls.*field = value;
                            return std::string();
                        }},
            [](const Config& config) { return config.tls.*field; }};
}

template <bool ServerSettings::*field>
constexpr SettingRow tls_boolean_row(std::string_view name, std::string_view default_value) {
    return {name,
            default_value,
            reload,
            BooleanSetting{[](Draft& draft, bool value) { draft.config.tls.*field = value; }},
            [](const Config& config) { return std::string(config.tls.*field ? "on" : "off"); }};
}

template <std::string ServerSettings::*field>
constexpr SettingRow tls_version_row(std::string_view name,
                                     std::string_view default_value,
                                     std::span<const std::string_view> versions) {
    return {
        name,
        default_value,
        reload,
        EnumSetting{versions,
                    [](Draft& draft, std::string_view value) { draft.config.tls.*field = value; }},
        [](const Config& config) { return config.tls.*field; }};
}

// The listener of listen_addresses and port; it shows as empty where there is none.
template <typename ShowListener>
std::string show_own(const Config& config, ShowListener show) {
    const Listener* const own = find_listener(config, default_name);
    return own == nullptr ? std::string() : show(*own);
}

std::string join(const std::vector<std::string>& elements) {
    std::string text;
    for (const std::string& element : elements)
        text += (text.empty() ? "" : ",") + element;
    return text;
}

std::string show_certificate_files(const Config& config) {
    std::vector<std::string> files;
    for (const tls::KeyPair& pair : config.tls.pairs)
        files.push_back(pair.certificate_file);
    return join(files);
}

std::string show_key_files(const Config& config) {
    std::vector<std::string> files;
    for (const tls::KeyPair& pair : config.tls.pairs)
        files.push_back(pair.key_file);
    return join(files);
}

std::string show_addresses(const Config& config) {
    return show_own(config, [](const Listener& own) { return join(own.addresses); });
}

std::string show_port(const Config& config) {
    return show_own(config, [](const Listener& own) { return std::to_string(own.port); });
}

std::string show_unix_directories(const Config& config) {
    return show_own(config, [](const Listener& own) { return join(own.unix_directories); });
}

std::string show_tls_mode(const Config& config) {
    return show_own(config, [](const Listener& own) { return std::string(name_of(own.tls_mode)); });
}

void store_tls_mode(Draft& draft, std::string_view value) {
    draft.own.tls_mode = value == tls_modes[0] ? TlsMode::terminate : TlsMode::passthrough;
}

std::string store_hba_file(Draft& draft, const std::string& value) {
    draft.own.hba_file = value;
    return {};
}

std::string store_hba_dry_run_file(Draft& draft, const std::string& value) {
    draft.own.hba_dry_run_file = value;
    return {};
}

std::string store_ident_file(Draft& draft, const std::string& value) {
    draft.config.ident_file = value;
    return {};
}

void store_hba_on_reload(Draft& draft, std::string_view value) {
    draft.config.hba_on_reload =
        value == hba_on_reload_words[0] ? HbaOnReload::keep : HbaOnReload::disconnect;
}

std::string show_hba_on_reload(const Config& config) {
    return std::string(hba_on_reload_words[config.hba_on_reload == HbaOnReload::keep ? 0 : 1]);
}

void store_on_role_change(Draft& draft, std::string_view value) {
    draft.config.on_role_change =
        value == on_role_change_words[0] ? OnRoleChange::disconnect : OnRoleChange::keep;
}

std::string show_on_role_change(const Config& config) {
    const bool disconnect = config.on_role_change == OnRoleChange::disconnect;
    return std::string(on_role_change_words[disconnect ? 0 : 1]);
}

void store_log_format(Draft& draft, std::string_view value) {
    draft.config.log_format = value == log_formats[0] ? LogFormat::text : LogFormat::json;
}

std::string show_log_format(const Config& config) {
    return std::string(log_formats[config.log_format == LogFormat::text ? 0 : 1]);
}

void store_log_level(Draft& draft, std::string_view value) {
    for (std::size_t i = 0; i < log_levels.size(); ++i)
        if (log_levels[i] == value) draft.config.log_min_messages = log_level_values[i];
}

std::string show_log_level(const Config& config) {
    for (std::size_t i = 0; i < log_levels.size(); ++i)
        if (log_level_values[i] == config.log_min_messages) return std::string(log_levels[i]);
    return {};
}

std::string store_hosts_file(Draft& draft, const std::string& value) {
    draft.config.hosts_file = value;
    return {};
}

std::string store_log_file(Draft& draft, const std::string& value) {
    draft.config.log_file = value;
    return {};
}

std::string store_user(Draft& draft, const std::string& value) {
    draft.config.user = value;
    return {};
}

std::string store_role_query(Draft& draft, const std::string& value) {
    draft.config.role_query = value;
    return {};
}

std::string show_exempt_networks(const Config& config) {
    std::vector<std::string> texts;
    for (const Network& network : config.address_limits.exempt)
        texts.push_back(text_of(network));
    return join(texts);
}

void store_login(Draft& draft, std::string_view value) {
    draft.config.login = login_mode_from(value).value_or(LoginMode::automatic);
}

std::string store_auth_query(Draft& draft, const std::string& value) {
    draft.config.auth_query = value;
    return {};
}

constexpr IntegerRange any_count{0, INT_MAX};
constexpr IntegerRange any_seconds{0, INT_MAX, Unit::seconds};
constexpr IntegerRange any_milliseconds{0, INT_MAX, Unit::milliseconds};
constexpr IntegerRange threads{1, limits::threads_max};
constexpr std::string_view log_connections_format =
    "boolean, or a list of receipt, authentication, authorization, setup_durations, all";

constexpr std::string_view health_check_format = "patroni=URL,... or sql, with options";

constexpr std::array rows{
    SettingRow{"listen_addresses",
               "localhost",
               restart,
               TextSetting{"list of addresses, * for all", store_listen_addresses},
               show_addresses},
    SettingRow{"port",
               "6432",
               restart,
               IntegerSetting{{1, 65535},
                              [](Draft& draft, int value) {
                                  draft.own.port = static_cast<std::uint16_t>(value);
                              }},
               show_port},
    SettingRow{"unix_socket_directories",
               "",
               restart,
               TextSetting{"list of folders", store_unix_socket_directories},
               show_unix_directories},
    SettingRow{
        "tls_mode", "terminate", restart, EnumSetting{tls_modes, store_tls_mode}, show_tls_mode},
    SettingRow{"listener.",
               "",
               restart,
               FamilySetting{"address= port= unix_socket_directory= tls_mode= upstream= hba_file= "
                             "hba_dry_run_file= proxy_protocol= trusted=",
                             store_named_listener},
               nullptr},
    integer_row<&Config::max_connections>("max_connections", "1000", reload, {1, 262143}),
    integer_row<&Config::max_handshakes>("max_handshakes", "0", reload, {0, 262143}),
    SettingRow{
        "max_connections_per_address",
        "0",
        reload,
        IntegerSetting{{0, 262143},
                       [](Draft& draft, int value) {
                           draft.config.address_limits.connections =
                               static_cast<std::uint32_t>(value);
                       }},
        [](const Config& config) { return std::to_string(config.address_limits.connections); }},
    rate_row<&AddressLimits::handshakes>(),
    rate_row<&AddressLimits::logins>(),
    rate_row<&AddressLimits::failed_logins>(),
    SettingRow{
        "failed_login_delay",
        "1000",
        reload,
        IntegerSetting{{1, limits::failed_login_delay_ms_max, Unit::milliseconds},
                       [](Draft& draft, int value) {
                           draft.config.address_limits.delay = std::chrono::milliseconds(value);
                       }},
        [](const Config& config) { return std::to_string(config.address_limits.delay.count()); }},
    prefix_row<&AddressLimits::ipv4_prefix>("address_prefix_ipv4", "32", {8, 32}),
    prefix_row<&AddressLimits::ipv6_prefix>("address_prefix_ipv6", "64", {16, 128}),
    SettingRow{"address_limits_exempt",
               "",
               reload,
               TextSetting{"list of networks", store_address_limits_exempt},
               show_exempt_networks},
    integer_row<&Config::address_table_size>(
        "address_table_size",
        "16384",
        restart,
        {limits::address_table_min, limits::address_table_max}),

    SettingRow{"upstream", "", reload, TextSetting{"connection string", store_upstream}, nullptr},
    SettingRow{
        "upstream.", "", reload, FamilySetting{"connection string", store_named_upstream}, nullptr},
    SettingRow{"health", "", reload, TextSetting{health_check_format, store_health}, nullptr},
    SettingRow{
        "health.", "", reload, FamilySetting{health_check_format, store_named_health}, nullptr},
    SettingRow{"on_role_change",
               "disconnect",
               reload,
               EnumSetting{on_role_change_words, store_on_role_change},
               show_on_role_change},
    SettingRow{"role_query",
               "",
               reload,
               TextSetting{"SQL query", store_role_query},
               [](const Config& config) { return config.role_query; }},
    SettingRow{"role_query_conninfo",
               "",
               reload,
               TextSetting{"connection string", store_role_query_conninfo},
               nullptr},

    SettingRow{"login",
               "auto",
               reload,
               EnumSetting{login_modes, store_login},
               [](const Config& config) { return std::string(name_of(config.login)); }},
    file_row<&Config::auth_file>("auth_file"),
    SettingRow{"auth_query",
               default_auth_query,
               reload,
               TextSetting{"SQL query", store_auth_query},
               [](const Config& config) { return config.auth_query; }},
    SettingRow{"auth_query_conninfo",
               "",
               reload,
               TextSetting{"connection string", store_auth_query_conninfo},
               nullptr},

    SettingRow{"hba_file",
               "",
               reload,
               TextSetting{"file", store_hba_file},
               [](const Config& config) {
                   return show_own(config, [](const Listener& own) { return own.hba_file; });
               }},
    SettingRow{"ident_file",
               "",
               reload,
               TextSetting{"file", store_ident_file},
               [](const Config& config) { return config.ident_file; }},
    SettingRow{"hba_on_reload",
               "keep",
               reload,
               EnumSetting{hba_on_reload_words, store_hba_on_reload},
               show_hba_on_reload},
    SettingRow{"hba_dry_run_file",
               "",
               reload,
               TextSetting{"file", store_hba_dry_run_file},
               [](const Config& config) {
                   return show_own(config,
                                   [](const Listener& own) { return own.hba_dry_run_file; });
               }},

    boolean_row<&Config::ssl>("ssl", "off"),
    SettingRow{"ssl_cert_file",
               "server.crt",
               reload,
               TextSetting{"file, or a list of files", store_certificate_files},
               show_certificate_files},
    SettingRow{"ssl_key_file",
               "server.key",
               reload,
               TextSetting{"file, or a list of files", store_key_files},
               show_key_files},
    tls_text_row<&ServerSettings::passphrase_command>(
        "ssl_passphrase_command", "", "command of the shell"),
    tls_boolean_row<&ServerSettings::passphrase_command_supports_reload>(
        "ssl_passphrase_command_supports_reload", "off"),
    tls_text_row<&ServerSettings::ca_file>("ssl_ca_file", "", "file"),
    tls_text_row<&ServerSettings::crl_file>("ssl_crl_file", "", "file"),
    tls_text_row<&ServerSettings::crl_dir>("ssl_crl_dir", "", "folder"),
    tls_text_row<&ServerSettings::ciphers>(
        "ssl_ciphers", "HIGH:MEDIUM:+3DES:!aNULL", "OpenSSL cipher list"),
    tls_text_row<&ServerSettings::tls13_ciphers>("ssl_tls13_ciphers", "", "OpenSSL cipher suites"),
    tls_text_row<&ServerSettings::groups>("ssl_groups", "X25519:prime256v1", "OpenSSL groups"),
    tls_text_row<&ServerSettings::dh_params_file>("ssl_dh_params_file", "", "file"),
    tls_boolean_row<&ServerSettings::prefer_server_ciphers>("ssl_prefer_server_ciphers", "on"),
    tls_version_row<&ServerSettings::min_protocol_version>(
        "ssl_min_protocol_version", "TLSv1.2", std::span(tls_versions).subspan(1)),
    tls_version_row<&ServerSettings::max_protocol_version>(
        "ssl_max_protocol_version", "", tls_versions),

    SettingRow{
        "ssl_profile",
        "",
        reload,
        EnumSetting{tls_profiles,
                    [](Draft& draft, std::string_view value) { draft.config.ssl_profile = value; }},
        [](const Config& config) { return config.ssl_profile; }},
    boolean_row<&Config::ssl_watch>("ssl_watch", "off"),
    boolean_row<&Config::ssl_sni>("ssl_sni", "off"),
    SettingRow{"hosts_file",
               "pg_hosts.conf",
               restart,
               TextSetting{"file", store_hosts_file},
               [](const Config& config) { return config.hosts_file; }},

    seconds_row<&Config::authentication_timeout>("authentication_timeout", "60", 1, 600),
    seconds_row<&Config::server_login_timeout>("server_login_timeout", "0", 0, INT_MAX),
    seconds_row<&Config::drain_delay>("drain_delay", "0", 0, 3600),
    seconds_row<&Config::shutdown_timeout>("shutdown_timeout", "60", 0, INT_MAX),
    seconds_row<&Config::idle_session_timeout>("idle_session_timeout", "0", 0, INT_MAX),
    seconds_row<&Config::max_session_lifetime>("max_session_lifetime", "0", 0, INT_MAX),
    seconds_row<&Config::dns_max_ttl>("dns_max_ttl", "30", 0, 86'400),
    seconds_row<&Config::dns_nxdomain_ttl>("dns_nxdomain_ttl", "5", 0, 86'400),
    integer_row<&Config::tcp_keepalives_idle>("tcp_keepalives_idle", "0", reload, any_seconds),
    integer_row<&Config::tcp_keepalives_interval>(
        "tcp_keepalives_interval", "0", reload, any_seconds),
    integer_row<&Config::tcp_keepalives_count>("tcp_keepalives_count", "0", reload, any_count),
    integer_row<&Config::tcp_user_timeout_ms>("tcp_user_timeout", "0", reload, any_milliseconds),

    SettingRow{
        "log_connections",
        "off",
        reload,
        TextSetting{log_connections_format, store_log_connections},
        [](const Config& config) { return std::string(config.log_connections ? "on" : "off"); }},
    boolean_row<&Config::log_disconnections>("log_disconnections", "on"),
    SettingRow{"log_min_messages",
               "info",
               reload,
               EnumSetting{log_levels, store_log_level},
               show_log_level},
    SettingRow{
        "log_format", "text", reload, EnumSetting{log_formats, store_log_format}, show_log_format},
    SettingRow{"log_file",
               "",
               restart,
               TextSetting{"file", store_log_file},
               [](const Config& config) { return config.log_file; }},

    SettingRow{"user",
               "",
               restart,
               TextSetting{"name of a system user", store_user},
               [](const Config& config) { return config.user; }},
    SettingRow{"http_listen",
               "",
               restart,
               TextSetting{"HOST:PORT", store_http_listen},
               [](const Config& config) { return config.http_listen; }},
    file_row<&Config::http_tls_cert_file>("http_tls_cert_file"),
    file_row<&Config::http_tls_key_file>("http_tls_key_file"),
    file_row<&Config::http_users_file>("http_users_file"),
    integer_row<&Config::connection_metrics_max>(
        "connection_metrics_max", "0", reload, {0, limits::connection_metrics_max}),
    SettingRow{"console_users",
               "",
               reload,
               TextSetting{"list of user names", store_console_users},
               [](const Config& config) { return join(config.console_users); }},
    SettingRow{"console_stats_users",
               "",
               reload,
               TextSetting{"list of user names", store_console_stats_users},
               [](const Config& config) { return join(config.console_stats_users); }},
    file_row<&Config::console_auth_file>("console_auth_file"),
    integer_row<&Config::control_threads>("control_threads", "1", restart, threads),
    integer_row<&Config::relay_threads>("relay_threads", "2", restart, threads),
    SettingRow{"relay_spin",
               "0",
               restart,
               IntegerSetting{{0, limits::relay_spin_us_max, Unit::microseconds},
                              [](Draft& draft, int value) {
                                  draft.config.relay_spin = std::chrono::microseconds(value);
                              }},
               [](const Config& config) { return std::to_string(config.relay_spin.count()); }},
};

} // namespace

std::span<const SettingRow> all_settings() noexcept {
    return rows;
}

std::string_view name_of(TlsMode mode) noexcept {
    return tls_modes[mode == TlsMode::terminate ? 0 : 1];
}

} // namespace pgmoat::config
