#include "proxy/admin/status/live_connections.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

namespace pgmoat::admin {

// Ids are given in order.
LiveConnections newest_of(telemetry::SeenSessions sessions, std::size_t count_max) {
    LiveConnections connections;
    connections.live = sessions.size();
    const std::size_t count = std::min(count_max, sessions.size());
    const auto end = sessions.begin() + static_cast<std::ptrdiff_t>(count);
    std::ranges::partial_sort(sessions, end, std::greater<>(), &telemetry::SeenSession::id);
    sessions.erase(end, sessions.end());
    connections.newest.reserve(count);
    const auto now = std::chrono::steady_clock::now();
    for (const telemetry::SeenSession& session : sessions)
        connections.newest.push_back({{*session.facts, session.own},
                                      telemetry::ConnectionState{.id = session.id,
                                                                 .age = now - session.opened,
                                                                 .traffic = session.traffic}});
    return connections;
}

} // namespace pgmoat::admin
