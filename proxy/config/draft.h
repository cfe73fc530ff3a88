// A configuration while its settings are applied one by one. It keeps what cannot be stored in
// Config yet, because its defaults come from settings that may follow later in the file.
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
    std::vector<std::string> certificate_files{
        "server.crt"}; // must be as many as keys: checked later
    std::vector<std::string> key_files{"server.key"};
    std::map<std::string, Location> locations; // of each setting given in the file

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
