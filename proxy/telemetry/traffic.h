// What one connection has relayed: bytes and, if its messages are visible to us, messages after the
// login, without rows of COPY. The base class of the session table's row, which a channel carries
// with it, so that the relay plane can count without including the table. Only the relay thread
// that owns the channel writes; any thread may read.
#pragma once

#include <atomic>
#include <cstdint>

namespace pgmoat::telemetry {

// A copy of the counts.
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
