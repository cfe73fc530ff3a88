// What the limits on clients are, how far they are used, and which addresses meet them: what the
// console, the status page and its JSON show. Values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::telemetry {

struct AddressState {
    std::string address; // or the network that counts as one: 2001:db8::/64
    std::uint64_t connections = 0;
    std::uint64_t refused = 0;       // by a limit, as long as the address is remembered
    std::uint64_t failed_logins = 0; // that still count
    bool delayed = false;            // its logins wait
    std::uint64_t waiting = 0;       // logins that wait now
};

struct LimitState {
    std::string_view name; // of the setting
    std::string setting;   // empty: no limit
    // In use: by all clients, or the most by one address. Nothing: not counted while there is no limit.
    std::optional<std::uint64_t> now;
    std::optional<std::uint64_t>
        addresses;             // that are at the limit; nothing: it is one for all clients
    std::uint64_t refused = 0; // or delayed; since the start
    std::vector<std::string> most_refused; // addresses, the most refused first, with the count
};

struct LimitStates {
    std::vector<LimitState> limits;
    std::vector<AddressState> addresses; // those that wait first, then the most refused
    std::uint64_t table_size = 0;        // addresses that can be remembered
    std::uint64_t table_used = 0;
    std::uint64_t table_evicted = 0; // forgotten to make room, since the start
};

} // namespace pgmoat::telemetry
