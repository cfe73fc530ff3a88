// How many live connections share a TLS version, a cipher, a group. Pure.
#pragma once

#include "proxy/telemetry/session_table.h"

#include <cstdint>
#include <string>
#include <vector>

namespace pgmoat::admin {

struct Share {
    std::string name;
    std::uint64_t count = 0;
};

// Of clients, the largest first.
struct Shares {
    std::vector<Share> versions; // "off": plaintext
    std::vector<Share> ciphers;
    std::vector<Share> groups;
};

[[nodiscard]] Shares shares_of(const telemetry::SeenSessions& sessions);

} // namespace pgmoat::admin
