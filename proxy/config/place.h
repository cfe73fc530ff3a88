// A part of the configuration that an administrator can take out of service: a listener, an
// upstream, or one host of it.
#pragma once

#include "proxy/config/config.h"

#include <string>

namespace pgmoat::config {

struct Place {
    enum class Kind { listener, upstream };
    Kind kind = Kind::listener;
    std::string name;
    std::string host = {}; // as configured: "db1", or "db1:5433" for one port; empty: all

    friend bool operator==(const Place&, const Place&) = default;
};

// Whether `host`, as an administrator writes it, matches this host and port.
[[nodiscard]] bool
means_host(const std::string& host, const std::string& configured, std::uint16_t port);

// What is wrong with it, such as a name that is not in the configuration; empty: nothing.
[[nodiscard]] std::string why_no_place(const Config& config, const Place& place);

// For the log: listener "edge"; host "db1" of upstream "default".
[[nodiscard]] std::string shown(const Place& place);

} // namespace pgmoat::config
