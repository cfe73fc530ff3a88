// The memory of one relay thread: buffers that every channel uses in turn and pipes to lend.
// Nothing in the buffers survives a turn: what must stay goes into the leg (unread, unsent) or a
// pipe.
#pragma once

#include "metrics/counters.h"
#include "proxy/relay/io_batch.h"
#include "proxy/relay/limits.h"
#include "proxy/relay/pipes.h"

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace pgmoat::relay {

struct ThreadBuffers {
    ThreadBuffers() { outgoing.reserve(limits::turn_bytes); }

    std::array<std::uint8_t, limits::late_receive_bytes> received;
    std::array<std::uint8_t, limits::plaintext_bytes> plaintext;
    std::vector<std::uint8_t> outgoing; // ciphertext for the side written to
    std::vector<std::uint8_t> answer;   // ciphertext that reading produced, for the side read from
    PipePool pipes;
    metrics::Block* counters = nullptr; // the thread's own, set when it starts
    IoBatch batch;

    // Written by the thread, read by anyone.
    std::atomic<std::uint64_t> spliced_bytes{0};
    std::atomic<std::size_t> pipes_leased{0};

    // Held by channels for peers that do not take it.
    std::atomic<std::size_t> buffered_bytes{0};

    void count_buffered(std::size_t before, std::size_t now) noexcept {
        if (before == now) return;
        buffered_bytes.store(buffered_bytes.load(std::memory_order_relaxed) - before + now,
                             std::memory_order_relaxed);
    }
    void count_spliced(std::size_t bytes) noexcept {
        spliced_bytes.store(spliced_bytes.load(std::memory_order_relaxed) + bytes,
                            std::memory_order_relaxed);
        pipes_leased.store(pipes.leased(), std::memory_order_relaxed);
    }
};

} // namespace pgmoat::relay
