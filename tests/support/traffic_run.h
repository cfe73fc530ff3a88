// What the traffic observer reports about a session, as values that can be compared.
#pragma once

#include "protocol/traffic_observer.h"
#include "tests/support/cuts.h"

#include <cstdint>
#include <map>
#include <string>
#include <utility>

namespace pgmoat::tests {

struct TrafficSeen final : protocol::TrafficSink {
    void came_from_client(std::uint8_t type, std::uint64_t messages) noexcept override {
        from_client[static_cast<char>(type)] += messages;
    }
    void came_from_server(std::uint8_t type, std::uint64_t messages) noexcept override {
        from_server[static_cast<char>(type)] += messages;
    }
    void transaction_ended(protocol::TransactionEnd end) noexcept override { ++ended[end]; }
    void server_error(protocol::SqlstateClass sqlstate_class) noexcept override {
        ++errors[{sqlstate_class.begin(), sqlstate_class.end()}];
    }
    bool operator==(const TrafficSeen& other) const {
        return from_client == other.from_client && from_server == other.from_server &&
               ended == other.ended && errors == other.errors;
    }

    std::map<char, std::uint64_t> from_client;
    std::map<char, std::uint64_t> from_server;
    std::map<protocol::TransactionEnd, std::uint64_t> ended;
    std::map<std::string, std::uint64_t> errors;
};

// A new session in which only one side sends a stream.
inline TrafficSeen watch_client(const Cut& pieces) {
    protocol::TrafficObserver observer;
    TrafficSeen seen;
    for (const protocol::ByteView piece : pieces)
        observer.from_client(piece, seen);
    return seen;
}
inline TrafficSeen watch_server(const Cut& pieces) {
    protocol::TrafficObserver observer;
    TrafficSeen seen;
    for (const protocol::ByteView piece : pieces)
        observer.from_server(piece, seen);
    return seen;
}

} // namespace pgmoat::tests
