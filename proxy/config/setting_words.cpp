#include "proxy/config/setting_words.h"

namespace pgmoat::config {
namespace {

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

} // namespace

std::string_view name_of(TlsMode mode) noexcept {
    return tls_modes[mode == TlsMode::terminate ? 0 : 1];
}

std::string show_tls_mode(const Config& config) {
    const Listener* const own = find_listener(config, default_name);
    return own == nullptr ? std::string() : std::string(name_of(own->tls_mode));
}

void store_tls_mode(Draft& draft, std::string_view value) {
    draft.own.tls_mode = value == tls_modes[0] ? TlsMode::terminate : TlsMode::passthrough;
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

void store_login(Draft& draft, std::string_view value) {
    draft.config.login = login_mode_from(value).value_or(LoginMode::automatic);
}

} // namespace pgmoat::config
