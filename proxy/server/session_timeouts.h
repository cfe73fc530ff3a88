// idle_session_timeout and max_session_lifetime: which live sessions are due, from one snapshot of
// the session table to the next. Without IO; the server asks it once a second and tells the relay
// plane, which ends a session only while nothing is under way on it.
//
// Sessions whose messages cannot be read are never due: their transactions do not show. A
// replication session is never idle, and its lifetime is its own.
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
        Ids idle;     // nothing has passed for so long
        Ids lifetime; // older than that, told once each
    };

    [[nodiscard]] Due
    due(const telemetry::SeenSessions& sessions, const Settings& settings, Time now);

    // A session's own lifetime: up to a tenth shorter, so that sessions that began together, behind
    // a pool that started, do not all end together.
    [[nodiscard]] static std::chrono::milliseconds lifetime_of(std::uint64_t id,
                                                               std::chrono::seconds lifetime);

  private:
    struct Last {
        std::uint64_t bytes = 0; // both ways
        Time since;              // when that many had passed
        bool told = false;       // that its lifetime is over
        std::uint64_t round = 0; // in which it was seen
    };

    std::unordered_map<std::uint64_t, Last> last_;
    std::uint64_t round_ = 0;
};

} // namespace pgmoat::server
