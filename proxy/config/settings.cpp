#include "proxy/config/settings.h"

#include "proxy/config/limits.h"
#include "proxy/config/profile.h"
#include "proxy/config/setting_rows.h"
#include "proxy/config/setting_shows.h"
#include "proxy/config/setting_stores.h"
#include "proxy/config/setting_words.h"

#include <climits>

#include <array>

namespace pgmoat::config {
namespace {

using enum ChangeNeeds;
using tls::ServerSettings;

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
    text_row<&Config::role_query>("role_query", "", reload, "SQL query"),
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
    text_row<&Config::auth_query>("auth_query", default_auth_query, reload, "SQL query"),
    SettingRow{"auth_query_conninfo",
               "",
               reload,
               TextSetting{"connection string", store_auth_query_conninfo},
               nullptr},

    own_file_row<&Listener::hba_file>("hba_file"),
    file_row<&Config::ident_file>("ident_file"),
    SettingRow{"hba_on_reload",
               "keep",
               reload,
               EnumSetting{hba_on_reload_words, store_hba_on_reload},
               show_hba_on_reload},
    own_file_row<&Listener::hba_dry_run_file>("hba_dry_run_file"),

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
    text_row<&Config::hosts_file>("hosts_file", "pg_hosts.conf", restart, "file"),

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
    file_row<&Config::log_file>("log_file", restart),

    text_row<&Config::user>("user", "", restart, "name of a system user"),
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

} // namespace pgmoat::config
