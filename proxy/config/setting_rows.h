// Makes rows of the table in settings.cpp whose value lies in one field as it is: of Config, of its TLS
// settings, of its limits per address, of the listener of listen_addresses. For settings.cpp alone.
#pragma once

#include "proxy/config/setting_stores.h"
#include "proxy/config/settings.h"

#include <chrono>
#include <span>
#include <string>
#include <string_view>

namespace pgmoat::config {

template <bool Config::*field>
constexpr SettingRow boolean_row(std::string_view name, std::string_view default_value) {
    return {name,
            default_value,
            ChangeNeeds::reload,
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
            ChangeNeeds::reload,
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
            ChangeNeeds::reload,
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
            ChangeNeeds::reload,
            IntegerSetting{
                range, [](Draft& draft, int value) { draft.config.address_limits.*field = value; }},
            [](const Config& config) { return std::to_string(config.address_limits.*field); }};
}

template <std::string Config::*field>
constexpr SettingRow text_row(std::string_view name,
                              std::string_view default_value,
                              ChangeNeeds change_needs,
                              std::string_view format) {
    return {name,
            default_value,
            change_needs,
            TextSetting{format,
                        [](Draft& draft, const std::string& value) {
                            draft.config.*field = value;
                            return std::string();
                        }},
            [](const Config& config) { return config.*field; }};
}

template <std::string Config::*field>
constexpr SettingRow file_row(std::string_view name,
                              ChangeNeeds change_needs = ChangeNeeds::reload) {
    return text_row<field>(name, "", change_needs, "file");
}

// Of the listener of listen_addresses and port.
template <std::string Listener::*field>
constexpr SettingRow own_file_row(std::string_view name) {
    return {name,
            "",
            ChangeNeeds::reload,
            TextSetting{"file",
                        [](Draft& draft, const std::string& value) {
                            draft.own.*field = value;
                            return std::string();
                        }},
            [](const Config& config) {
                const Listener* const own = find_listener(config, default_name);
                return own == nullptr ? std::string() : own->*field;
            }};
}

template <std::string tls::ServerSettings::*field>
constexpr SettingRow
tls_text_row(std::string_view name, std::string_view default_value, std::string_view format) {
    return {name,
            default_value,
            ChangeNeeds::reload,
            TextSetting{format,
                        [](Draft& draft, const std::string& value) {
                            draft.config.tls.*field = value;
                            return std::string();
                        }},
            [](const Config& config) { return config.tls.*field; }};
}

template <bool tls::ServerSettings::*field>
constexpr SettingRow tls_boolean_row(std::string_view name, std::string_view default_value) {
    return {name,
            default_value,
            ChangeNeeds::reload,
            BooleanSetting{[](Draft& draft, bool value) { draft.config.tls.*field = value; }},
            [](const Config& config) { return std::string(config.tls.*field ? "on" : "off"); }};
}

template <std::string tls::ServerSettings::*field>
constexpr SettingRow tls_version_row(std::string_view name,
                                     std::string_view default_value,
                                     std::span<const std::string_view> versions) {
    return {
        name,
        default_value,
        ChangeNeeds::reload,
        EnumSetting{versions,
                    [](Draft& draft, std::string_view value) { draft.config.tls.*field = value; }},
        [](const Config& config) { return config.tls.*field; }};
}

} // namespace pgmoat::config
