#include "proxy/relay/plane.h"

#include "proxy/relay/limits.h"
#include "proxy/relay/loop.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>

namespace pgmoat::relay {

Plane::Plane(const PlaneSettings& settings, Reporter& reporter, metrics::Counters& counters) {
    const std::size_t threads = std::max<std::size_t>(1, settings.threads);
    for (std::size_t i = 0; i < threads; ++i)
        loops_.push_back(std::make_unique<Loop>(
            reporter, counters, settings.spin, "relay-" + std::to_string(i)));
}

Plane::~Plane() = default;

void Plane::adopt(std::unique_ptr<Channel> channel) {
    const auto now = std::chrono::steady_clock::now();
    Loop* least_busy = nullptr;
    double least = 0;
    for (const auto& loop : loops_) {
        const double share = loop->expected_share(now);
        if (least_busy && share >= least) continue;
        least_busy = loop.get();
        least = share;
        if (share < limits::busy_enough) break; // packed: the first with room, not the emptiest
    }
    least_busy->adopt(std::move(channel));
}

void Plane::close_all() {
    for (const auto& loop : loops_)
        loop->close_all();
}

void Plane::close_all_when_idle(const Ended& ended, Whom whom) {
    for (const auto& loop : loops_)
        loop->close_all_when_idle(ended, whom);
}

void Plane::give_away(std::size_t thread, std::size_t most, Taker taker) {
    loops_[thread % loops_.size()]->give_away(most, std::move(taker));
}

void Plane::close(std::span<const std::uint64_t> ids, const Ended& ended, When when) {
    for (const auto& loop : loops_)
        loop->close(ids, ended, when);
}

std::vector<ThreadFacts> Plane::threads() const {
    const auto now = std::chrono::steady_clock::now();
    std::vector<ThreadFacts> facts;
    for (const auto& loop : loops_) {
        const ThreadBuffers& buffers = loop->buffers();
        facts.push_back({loop->name(),
                         loop->channels(),
                         loop->expected_share(now),
                         loop->meter().share(now),
                         loop->meter().lag(now),
                         buffers.buffered_bytes.load(std::memory_order_relaxed),
                         buffers.spliced_bytes.load(std::memory_order_relaxed),
                         buffers.pipes_leased.load(std::memory_order_relaxed)});
    }
    return facts;
}

} // namespace pgmoat::relay
