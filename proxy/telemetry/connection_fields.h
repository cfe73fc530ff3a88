// Everything that is known about one connection, as fields: its log line and /connections.json use
// the same names. Never a key, a password or a ticket (law 7).
#pragma once

#include "proxy/telemetry/log_fields.h"
#include "proxy/telemetry/session_table.h"
#include "proxy/telemetry/traffic.h"

#include <chrono>
#include <cstdint>
#include <string>

namespace pgmoat::telemetry {

// What changes while the connection lives, besides its facts.
struct ConnectionState {
    std::uint64_t id = 0;
    std::chrono::steady_clock::duration age{};
    TrafficCounts traffic{};
};

[[nodiscard]] ConnectionState state_of(const SessionRow& row);

[[nodiscard]] Fields describe(const SessionFacts& facts, const ConnectionState& state);
// Only the facts, not what changes.
[[nodiscard]] Fields describe(std::uint64_t id, const SessionFacts& facts);

// "10.0.0.7:5432", "[::1]:5432", "[local]".
[[nodiscard]] std::string client_of(const std::string& address, std::uint16_t port);
[[nodiscard]] std::string client_of(const SessionFacts& facts);

} // namespace pgmoat::telemetry
