// What counters are made of, for metrics/ only. The structs below are used twice: with Counter
// cells in a thread's block, and with plain numbers in the totals. add() sums the former into the
// latter.
#pragma once

#include "metrics/labels.h"
#include "metrics/limits.h"

#include <array>
#include <atomic>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>

namespace pgmoat::metrics {

// A fixed number, since std::hardware_destructive_interference_size may differ between compilers.
inline constexpr std::size_t cache_line_bytes = 64;

// A number with one writer: a load and a store instead of a locked instruction.
class Counter {
  public:
    void add(std::uint64_t count = 1) noexcept {
        value_.store(value_.load(std::memory_order_relaxed) + count, std::memory_order_relaxed);
    }
    [[nodiscard]] std::uint64_t value() const noexcept {
        return value_.load(std::memory_order_relaxed);
    }

  private:
    std::atomic<std::uint64_t> value_{0};
};

inline void add(std::uint64_t& sum, const Counter& counter) noexcept {
    sum += counter.value();
}
template <class Cell, std::size_t size>
void add(std::array<Cell, size>& sums, const auto& cells) noexcept {
    for (std::size_t i = 0; i < size; ++i)
        add(sums[i], cells[i]);
}

// Upper bounds in seconds, ascending; longer ones count only in the total.
inline constexpr std::size_t bucket_count = 16;
using Buckets = std::array<double, bucket_count>;

constexpr Buckets doubling_from(double first) {
    Buckets bounds{};
    for (double& bound : bounds) {
        bound = first;
        first *= 2;
    }
    return bounds;
}
inline constexpr Buckets handshake_buckets = doubling_from(0.0005); // to 16 s
inline constexpr Buckets connect_buckets = doubling_from(0.0005);
inline constexpr Buckets login_buckets = doubling_from(0.001); // to 33 s
inline constexpr Buckets connection_buckets = {
    1, 2, 5, 10, 30, 60, 120, 300, 600, 1'800, 3'600, 7'200, 14'400, 28'800, 43'200, 86'400};
inline constexpr Buckets certificate_buckets = { // 0, 1 hour, then days from 1 to 10 years
    0,
    3'600,
    86'400,
    259'200,
    604'800,
    1'209'600,
    1'814'400,
    2'592'000,
    5'184'000,
    7'776'000,
    15'552'000,
    31'536'000,
    63'072'000,
    94'608'000,
    157'680'000,
    315'360'000};

template <class Cell>
struct Histogram {
    std::array<Cell, bucket_count + 1>
        observations{}; // per bucket, not cumulative; the last one: above all bounds
    Cell sum{};         // in the unit of the histogram: uint64 nanoseconds would overflow in weeks
};
template <class From>
void add(Histogram<std::uint64_t>& sum, const Histogram<From>& cells) noexcept {
    add(sum.observations, cells.observations);
    add(sum.sum, cells.sum);
}

template <class Cell>
struct ListenerCells {
    std::array<Cell, mode_count> opened{};
    std::array<std::array<Cell, close_reason_count>, mode_count> closed{};
    std::array<Cell, direction_count> bytes{};
    std::array<Cell, startup_kind_count> startup_requests{};
    std::array<Cell, startup_error_count> startup_errors{};
    std::array<std::array<Cell, handshake_failure_count>, side_count> handshake_failures{};
    std::array<Cell, side_count> handshakes_beyond_table{}; // when HandshakeTable is full
    std::array<Cell, tls_version_count> offers{};
    Cell queries{};
    std::array<Cell, client_message_count> messages_from_client{};
    std::array<Cell, server_message_count> messages_from_server{};
    std::array<Cell, transaction_end_count> transactions{};
    std::array<Cell, sqlstate_class_count> server_errors{};
    Histogram<Cell> login;                 // microseconds, as all but the next one
    Histogram<Cell> certificate_remaining; // seconds: years of microseconds would overflow
    Histogram<Cell> connection;
};

template <class Cell>
struct UpstreamCells {
    std::array<Cell, connect_result_count> connects{};
    Histogram<Cell> connect;
    Cell wrong_role{};
};

template <class Cell>
struct ProcessCells {
    std::array<Histogram<Cell>, side_count> handshake{};
    Cell handshakes_began{};
    Cell handshakes_ended{};
    std::array<Cell, cancel_outcome_count> cancel_requests{};
    std::array<Cell, scram_outcome_count> scram_logins{};
    std::array<Cell, accept_error_count> accept_errors{};
    std::array<Cell, limit_count> rate_limited{};
    Cell log_messages_dropped{};
    Cell internal_errors{};
};

// The labels by which handshakes are counted.
struct HandshakeKind {
    std::uint16_t listener = 0;
    Side side = Side::client;
    TlsVersion version = TlsVersion::other;
    Cipher cipher = Cipher::other;
    Group group = Group::other;
    Sni sni = Sni::unknown;

    auto operator<=>(const HandshakeKind&) const = default;
};

// Counts for each kind of handshake that has occurred: an array over all combinations of labels
// would take megabytes. Open addressing over atomics; one thread writes, any thread reads, nothing
// is ever removed.
class HandshakeTable {
  public:
    // False when the table is full and the kind is not in it.
    [[nodiscard]] bool count(const HandshakeKind& kind) noexcept;
    void for_each(const std::function<void(const HandshakeKind&, std::uint64_t)>& visit) const;

  private:
    struct Entry {
        std::atomic<std::uint64_t> key{0}; // the packed kind; 0: free. Written once, after `count`
        Counter count;
    };
    std::array<Entry, handshake_kinds_max> entries_;
    std::size_t used_ = 0; // only for the writer
};

} // namespace pgmoat::metrics
