// Shows the values in force that need more than their type: lists, and what the listener of
// listen_addresses and port has. The counterpart of setting_stores.h, for the table in settings.cpp alone.
#pragma once

#include "proxy/config/config.h"

#include <string>
#include <vector>

namespace pgmoat::config {

[[nodiscard]] std::string join(const std::vector<std::string>& elements);

[[nodiscard]] std::string show_certificate_files(const Config& config);
[[nodiscard]] std::string show_key_files(const Config& config);
[[nodiscard]] std::string show_addresses(const Config& config);
[[nodiscard]] std::string show_port(const Config& config);
[[nodiscard]] std::string show_unix_directories(const Config& config);
[[nodiscard]] std::string show_exempt_networks(const Config& config);

} // namespace pgmoat::config
