// Stores values that are not plain booleans, numbers or words: lists, endpoints, connection
// strings, names. Each function returns what is wrong with the value, in one line without file and
// line; empty: nothing. For the table in settings.cpp only.
#pragma once

#include "proxy/config/draft.h"

#include <string>
#include <string_view>

namespace pgmoat::config {

std::string store_listen_addresses(Draft& draft, const std::string& value);
std::string store_unix_socket_directories(Draft& draft, const std::string& value);
std::string store_address_limits_exempt(Draft& draft, const std::string& value);
std::string store_log_connections(Draft& draft, const std::string& value);
std::string store_certificate_files(Draft& draft, const std::string& value);
std::string store_key_files(Draft& draft, const std::string& value);
std::string store_console_users(Draft& draft, const std::string& value);
std::string store_console_stats_users(Draft& draft, const std::string& value);
std::string store_http_listen(Draft& draft, const std::string& value);
std::string store_upstream(Draft& draft, const std::string& value);
std::string store_named_upstream(Draft& draft, const std::string& name, const std::string& value);
std::string store_health(Draft& draft, const std::string& value);
std::string store_named_health(Draft& draft, const std::string& name, const std::string& value);
std::string store_role_query_conninfo(Draft& draft, const std::string& value);
std::string store_auth_query_conninfo(Draft& draft, const std::string& value);
std::string store_named_listener(Draft& draft, const std::string& name, const std::string& value);

std::string store_rate(std::string_view name, const std::string& value, Rate& rate);

} // namespace pgmoat::config
