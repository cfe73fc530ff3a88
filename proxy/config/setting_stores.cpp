#include "proxy/config/setting_stores.h"

#include "proxy/config/conninfo_options.h"
#include "proxy/config/guc_value.h"
#include "proxy/config/limits.h"
#include "proxy/config/text.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace pgmoat::config {
namespace {

std::string invalid(std::string_view parameter, const std::string& value, const std::string& why) {
    return "invalid value for parameter " + in_quotes(parameter) + ": " + in_quotes(value) + " (" +
           why + ")";
}

std::string invalid_list(std::string_view parameter, const std::string& value) {
    return invalid(
        parameter, value, "Invalid list syntax in parameter " + in_quotes(parameter) + ".");
}

std::string too_many(std::string_view parameter, std::size_t max) {
    return "parameter " + in_quotes(parameter) + " has more than " + std::to_string(max) +
           " values";
}

// Empty: the name is valid.
std::string check_name(std::string_view family, const std::string& name) {
    constexpr std::string_view allowed = "abcdefghijklmnopqrstuvwxyz0123456789_";
    const std::string named = std::string(family) + " name " + in_quotes(name);
    if (name == default_name) return named + " is reserved";
    if (name.find_first_not_of(allowed) != std::string::npos)
        return named + " may hold ASCII letters, digits and underscores only";
    if (name.size() > limits::name_bytes_max)
        return named + " is longer than " + std::to_string(limits::name_bytes_max) + " bytes";
    return {};
}

std::string add_upstream(Draft& draft,
                         const std::string& setting,
                         const std::string& name,
                         const std::string& value) {
    try {
        draft.config.upstreams[name] = parse_conninfo(value);
    } catch (const ConninfoError& error) {
        // The value is left out: it may contain sslpassword.
        return "invalid value for parameter " + in_quotes(setting) + ": " + error.what();
    }
    return {};
}

} // namespace

std::string store_listen_addresses(Draft& draft, const std::string& value) {
    const std::optional<std::vector<std::string>> list = split_list(value);
    if (!list) return invalid_list("listen_addresses", value);
    if (list->size() > limits::addresses_per_listener_max)
        return too_many("listen_addresses", limits::addresses_per_listener_max);
    draft.own.addresses = *list;
    return {};
}

std::string store_unix_socket_directories(Draft& draft, const std::string& value) {
    const std::optional<std::vector<std::string>> list = split_folder_list(value);
    if (!list) return invalid_list("unix_socket_directories", value);
    if (list->size() > limits::addresses_per_listener_max)
        return too_many("unix_socket_directories", limits::addresses_per_listener_max);
    draft.own.unix_directories = *list;
    return {};
}

std::string store_address_limits_exempt(Draft& draft, const std::string& value) {
    constexpr std::string_view name = "address_limits_exempt";
    const std::optional<std::vector<std::string>> list = split_list(value);
    if (!list) return invalid_list(name, value);
    if (list->size() > limits::networks_max) return too_many(name, limits::networks_max);
    draft.config.address_limits.exempt.clear();
    for (const std::string& text : *list) {
        const auto network = parse_network(text);
        if (!network) return invalid(name, value, in_quotes(text) + " is not a network.");
        draft.config.address_limits.exempt.push_back(*network);
    }
    return {};
}

std::string store_rate(std::string_view name, const std::string& value, Rate& rate) {
    auto parsed = parse_rate(value);
    if (const auto* why = std::get_if<std::string>(&parsed)) return invalid(name, value, *why);
    rate = std::get<Rate>(parsed);
    return {};
}

// PostgreSQL 18's list, or a Boolean as before. pgmoat logs one line per connection; any option of
// the list enables it.
std::string store_log_connections(Draft& draft, const std::string& value) {
    constexpr std::array<std::string_view, 5> options{
        "receipt", "authentication", "authorization", "setup_durations", "all"};
    if (const std::optional<bool> flag = parse_boolean(value)) {
        draft.config.log_connections = *flag;
        return {};
    }
    const std::optional<std::vector<std::string>> list = split_list(value);
    if (!list) return invalid_list("log_connections", value);
    for (const std::string& option : *list) {
        const std::string word = lower_case(option);
        if (std::find(options.begin(), options.end(), std::string_view(word)) != options.end())
            continue;
        if (parse_boolean(word) && option == list->front()) {
            return invalid("log_connections",
                           value,
                           "Cannot specify log_connections option " + in_quotes(option) +
                               " in a list with other options.");
        }
        return invalid("log_connections", value, "Invalid option " + in_quotes(option) + ".");
    }
    draft.config.log_connections = !list->empty();
    return {};
}

std::string store_certificate_files(Draft& draft, const std::string& value) {
    const std::optional<std::vector<std::string>> list = split_folder_list(value);
    if (!list) return invalid_list("ssl_cert_file", value);
    draft.certificate_files = *list;
    return {};
}

std::string store_key_files(Draft& draft, const std::string& value) {
    const std::optional<std::vector<std::string>> list = split_folder_list(value);
    if (!list) return invalid_list("ssl_key_file", value);
    draft.key_files = *list;
    return {};
}

std::string store_console_users(Draft& draft, const std::string& value) {
    std::optional<std::vector<std::string>> list = split_list(value);
    if (!list) return invalid_list("console_users", value);
    draft.config.console_users = std::move(*list);
    return {};
}

std::string store_console_stats_users(Draft& draft, const std::string& value) {
    std::optional<std::vector<std::string>> list = split_list(value);
    if (!list) return invalid_list("console_stats_users", value);
    draft.config.console_stats_users = std::move(*list);
    return {};
}

std::string store_http_listen(Draft& draft, const std::string& value) {
    if (!value.empty() && !parse_endpoint(value))
        return invalid("http_listen", value, "Expected HOST:PORT, an IPv6 address in brackets.");
    draft.config.http_listen = value;
    return {};
}

std::string store_upstream(Draft& draft, const std::string& value) {
    return add_upstream(draft, "upstream", default_name, value);
}

std::string store_named_upstream(Draft& draft, const std::string& name, const std::string& value) {
    std::string wrong = check_name("upstream", name);
    if (!wrong.empty()) return wrong;
    if (draft.config.upstreams.size() >= limits::upstreams_max)
        return too_many("upstream.NAME", limits::upstreams_max);
    return add_upstream(draft, "upstream." + name, name, value);
}

namespace {

std::string add_health(Draft& draft,
                       const std::string& setting,
                       const std::string& name,
                       const std::string& value) {
    try {
        draft.config.health[name] = parse_health_check(value);
    } catch (const ConninfoError& error) {
        // The value is left out: it may contain a password.
        return "invalid value for parameter " + in_quotes(setting) + ": " + error.what();
    }
    return {};
}

} // namespace

std::string store_health(Draft& draft, const std::string& value) {
    if (!value.empty()) return add_health(draft, "health", default_name, value);
    draft.config.health.erase(default_name);
    return {};
}

std::string store_named_health(Draft& draft, const std::string& name, const std::string& value) {
    std::string wrong = check_name("health", name);
    if (!wrong.empty()) return wrong;
    return add_health(draft, "health." + name, name, value);
}

// All of libpq's keywords, even those that make no sense for an upstream: here pgmoat itself logs
// in.
namespace {

std::string
take_login(std::vector<KeywordValue>& pairs, const std::string& setting, const std::string& value) {
    const std::string wrong = "invalid value for parameter " + in_quotes(setting) + ": ";
    try {
        KeywordValueReader reader(value, "connection info string");
        while (std::optional<KeywordValue> pair = reader.next()) {
            if (find_conninfo_option(pair->keyword) == nullptr)
                return wrong + "invalid connection option " + in_quotes(pair->keyword);
            if (pair->keyword == "login" || pair->keyword == "client_facts")
                return wrong + in_quotes(pair->keyword) + " is about clients' logins";
            if (pair->keyword == "proxy_protocol" && !proxy_protocol_from(pair->value))
                return wrong + "invalid proxy_protocol value: " + in_quotes(pair->value);
            pairs.push_back(std::move(*pair));
        }
    } catch (const ConninfoError& error) {
        return wrong + error.what(); // without the value: it may contain a password
    }
    return {};
}

} // namespace

std::string store_role_query_conninfo(Draft& draft, const std::string& value) {
    draft.config.role_query_conninfo.clear();
    return take_login(draft.config.role_query_conninfo, "role_query_conninfo", value);
}

std::string store_auth_query_conninfo(Draft& draft, const std::string& value) {
    draft.config.auth_query_conninfo.clear();
    return take_login(draft.config.auth_query_conninfo, "auth_query_conninfo", value);
}

std::string store_named_listener(Draft& draft, const std::string& name, const std::string& value) {
    if (draft.listeners.size() >= limits::listeners_max)
        return too_many("listener.NAME", limits::listeners_max);
    draft.listeners[name] = value;
    return check_name("listener", name);
}

} // namespace pgmoat::config
