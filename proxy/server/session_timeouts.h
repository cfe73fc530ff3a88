// idle_session_timeout and max_session_lifetime: which live sessions are due, from one snapshot of
// the session table to the next. No IO: the server calls it once a second and passes the result to
// the relay plane, which ends a session only if it is idle.
//
// Sessions whose messages are not visible are never due, since it is unknown whether they are in a
// transaction. Replication sessions are exempt from both.
#pragma once

#include "proxy/telemetry/session_table.h"

#include <chrono>
#include <cstdint>
#include <unordered_map>
#include <vector>

namespace pgmoat::server {

class SessionTimeouts {
  public:
    using Time = std::chrono::steady_clock::time_point;
    using Ids = std::vector<std::uint64_t>;

    // Zero: no limit.
    struct Settings {
        std::chrono::seconds idle{0};
        std::chrono::seconds lifetime{0};
    };
    struct Due {
        Ids idle;     // no bytes for that long
        Ids lifetime; // older than that; each listed once
    };

    [[nodiscard]] Due
    due(const telemetry::SeenSessions& sessions, const Settings& settings, Time now);

    // A session's own lifetime: up to a tenth shorter, so that sessions that began together, when a
    // pool started, do not all end together.
    [[nodiscard]] static std::chrono::milliseconds lifetime_of(std::uint64_t id,
                                                               std::chrono::seconds lifetime);

  private:
    struct Last {
        std::uint64_t bytes = 0; // both ways
        Time since;              // when that count was reached
        bool told = false;       // already listed in Due::lifetime
        std::uint64_t round = 0; // in which it was last seen
    };

    std::unordered_map<std::uint64_t, Last> last_;
    std::uint64_t round_ = 0;
};

} // namespace pgmoat::server
