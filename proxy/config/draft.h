// A configuration while its settings are applied one by one: what is not yet a Config, because it
// takes its defaults from settings that may stand further down in the file.
#pragma once

#include "proxy/config/config.h"
#include "proxy/config/problems.h"

#include <map>
#include <string>
#include <vector>

namespace pgmoat::config {

inline constexpr const char* default_name =
    "default"; // of listen_addresses and of plain `upstream`

struct Draft {
    Config config;
    Listener own;                                 // listen_addresses, port, tls_mode, ...
    std::map<std::string, std::string> listeners; // listener.NAME, not yet parsed
    std::vector<std::string> certificate_files{"server.crt"}; // as many as keys: checked later
    std::vector<std::string> key_files{"server.key"};
    std::map<std::string, Location> locations; // of each setting that the file gives

    Draft() {
        own.name = default_name;
        own.addresses = {"localhost"};
        own.upstream = default_name;
    }

    [[nodiscard]] Location location_of(const std::string& setting) const {
        const auto found = locations.find(setting);
        return found == locations.end() ? Location{config.file, 0} : found->second;
    }
    [[nodiscard]] bool is_given(const std::string& setting) const {
        return locations.contains(setting);
    }
};

} // namespace pgmoat::config
