// What one connection has moved: plaintext bytes and, where the bytes are messages to us, messages
// after the login, without rows of COPY. The base of whatever a channel carries along
// for its owner (the session table's row), so that the relay plane counts without knowing who
// reads. The relay thread that owns the channel is the only writer; anyone may read.
#pragma once

#include <atomic>
#include <cstdint>

namespace pgmoat::telemetry {

// The counts at one moment.
struct TrafficCounts {
    std::uint64_t bytes_from_client = 0;
    std::uint64_t bytes_from_server = 0;
    std::uint64_t messages_from_client = 0;
    std::uint64_t messages_from_server = 0;
    std::uint64_t queries = 0;
    std::uint64_t transactions = 0;
};

struct Traffic {
    Traffic() = default;
    Traffic(const Traffic&) = delete;
    Traffic& operator=(const Traffic&) = delete;
    virtual ~Traffic() = default;

    [[nodiscard]] TrafficCounts counts() const noexcept {
        constexpr auto relaxed = std::memory_order_relaxed;
        return {bytes_from_client.load(relaxed),
                bytes_from_server.load(relaxed),
                messages_from_client.load(relaxed),
                messages_from_server.load(relaxed),
                queries.load(relaxed),
                transactions.load(relaxed)};
    }

    std::atomic<std::uint64_t> bytes_from_client{0};
    std::atomic<std::uint64_t> bytes_from_server{0};
    std::atomic<std::uint64_t> messages_from_client{0};
    std::atomic<std::uint64_t> messages_from_server{0};
    std::atomic<std::uint64_t> queries{0};
    std::atomic<std::uint64_t> transactions{0};
};

} // namespace pgmoat::telemetry
