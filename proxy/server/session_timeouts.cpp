#include "proxy/server/session_timeouts.h"

#include <utility>

namespace pgmoat::server {

namespace {

bool shows_its_transactions(const telemetry::SharedFacts& facts) {
    const bool ends_here = facts.mode == metrics::Mode::terminate;
    return facts.encryption == telemetry::Encryption::none ||
           (facts.encryption == telemetry::Encryption::tls && ends_here);
}

bool can_be_due(const telemetry::SharedFacts& facts) {
    return facts.stage == telemetry::SessionStage::live && shows_its_transactions(facts) &&
           facts.replication == protocol::Replication::none;
}

} // namespace

std::chrono::milliseconds SessionTimeouts::lifetime_of(std::uint64_t id,
                                                       std::chrono::seconds lifetime) {
    // Spreads consecutive ids over the range (Fibonacci hashing).
    constexpr std::uint64_t golden = 0x9E3779B97F4A7C15;
    const auto whole = std::chrono::milliseconds(lifetime);
    const auto tenth = static_cast<std::uint64_t>(whole.count()) / 10;
    const std::uint64_t shorter = tenth == 0 ? 0 : ((id * golden) >> 32) % (tenth + 1);
    return whole - std::chrono::milliseconds(shorter);
}

SessionTimeouts::Due
SessionTimeouts::due(const telemetry::SeenSessions& sessions, const Settings& settings, Time now) {
    Due due;
    ++round_;
    for (const telemetry::SeenSession& session : sessions) {
        if (!can_be_due(*session.facts)) continue;
        const std::uint64_t bytes =
            session.traffic.bytes_from_client + session.traffic.bytes_from_server;
        const auto [entry, is_new] = last_.try_emplace(session.id, Last{bytes, now, false, 0});
        Last& last = entry->second;
        last.round = round_;
        if (last.bytes != bytes) {
            last.bytes = bytes;
            last.since = now;
        }
        const bool old = settings.lifetime.count() > 0 &&
                         now - session.opened >= lifetime_of(session.id, settings.lifetime);
        if (old && !std::exchange(last.told, true))
            due.lifetime.push_back(session.id);
        else if (settings.idle.count() > 0 && now - last.since >= settings.idle)
            due.idle.push_back(session.id);
    }
    std::erase_if(last_, [this](const auto& entry) { return entry.second.round != round_; });
    return due;
}

} // namespace pgmoat::server
