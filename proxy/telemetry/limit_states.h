// The limits on clients, how far they are used, and which addresses are at them: for the console,
// the status page and its JSON. Values only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::telemetry {

struct AddressState {
    std::string address; // or the network that is limited as one: 2001:db8::/64
    std::uint64_t connections = 0;
    std::uint64_t refused = 0;       // by a limit, as long as the address is remembered
    std::uint64_t failed_logins = 0; // that still count
    bool delayed = false;            // its logins wait
    std::uint64_t waiting = 0;       // logins that wait now
};

struct LimitState {
    std::string_view name; // of the setting
    std::string setting;   // empty: no limit
    // In use: by all clients, or the most by one address. Nothing: not counted, as there is no
    // limit.
    std::optional<std::uint64_t> now;
    std::optional<std::uint64_t>
        addresses;             // at the limit; nothing: the limit is for all clients together
    std::uint64_t refused = 0; // or delayed; since the start
    std::vector<std::string> most_refused; // with their numbers, the most refused first
};

struct LimitStates {
    std::vector<LimitState> limits;
    std::vector<AddressState> addresses; // waiting ones first, then the most refused
    std::uint64_t table_size = 0;        // capacity, in addresses
    std::uint64_t table_used = 0;
    std::uint64_t table_evicted = 0; // to make room, since the start
};

} // namespace pgmoat::telemetry
