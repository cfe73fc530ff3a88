// The words of the settings that take one of a few, and what each of them means. For the table in
// settings.cpp alone.
#pragma once

#include "proxy/config/draft.h"

#include <array>
#include <string>
#include <string_view>

namespace pgmoat::config {

inline constexpr std::array<std::string_view, 2> tls_modes{"terminate", "passthrough"};
inline constexpr std::array<std::string_view, 3> login_modes{"auto", "relay", "bridge"};
inline constexpr std::array<std::string_view, 2> log_formats{"text", "json"};
inline constexpr std::array<std::string_view, 2> hba_on_reload_words{"keep", "disconnect"};
inline constexpr std::array<std::string_view, 2> on_role_change_words{"disconnect", "keep"};

// The empty one means "no limit" and is for ssl_max_protocol_version alone.
inline constexpr std::array<std::string_view, 5> tls_versions{
    "", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};

// PostgreSQL's names; there is one level of debug here, and nothing is fatal or a panic.
inline constexpr std::array<std::string_view, 10> log_levels{
    "debug1", "debug2", "debug3", "debug4", "debug5", "info", "notice", "warning", "error", "log"};

void store_tls_mode(Draft& draft, std::string_view value);
void store_login(Draft& draft, std::string_view value);
void store_log_format(Draft& draft, std::string_view value);
void store_log_level(Draft& draft, std::string_view value);
void store_hba_on_reload(Draft& draft, std::string_view value);
void store_on_role_change(Draft& draft, std::string_view value);

[[nodiscard]] std::string show_tls_mode(const Config& config);
[[nodiscard]] std::string show_log_format(const Config& config);
[[nodiscard]] std::string show_log_level(const Config& config);
[[nodiscard]] std::string show_hba_on_reload(const Config& config);
[[nodiscard]] std::string show_on_role_change(const Config& config);

} // namespace pgmoat::config
