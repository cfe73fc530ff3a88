// Many writers, a continuous reader, and names that are added meanwhile: nothing is lost, and no
// sum ever decreases.
#include "metrics/counters.h"
#include "metrics/exporter.h"
#include "tests/support/catch.h"

#include <string>
#include <thread>
#include <vector>

using namespace pgmoat::metrics;

namespace {

constexpr int writers = 4;
constexpr std::uint64_t rounds = 20'000;

std::uint64_t opened(const Totals& totals) {
    return totals.listeners.front().counts.opened[static_cast<std::size_t>(Mode::terminate)];
}

void count_one_connection(Block& block, ListenerId listener, UpstreamId upstream) {
    block.connection_opened(listener, Mode::terminate);
    block.tls_handshake(listener, {.version = "TLSv1.3", .group = "X25519"});
    block.upstream_connect(upstream, ConnectResult::connected, std::chrono::milliseconds(1));
    block.bytes(listener, Direction::from_client, 100);
    block.connection_closed(listener, Mode::terminate, CloseReason::client_closed);
}

} // namespace

TEST_CASE("What many threads count is whole in the end and only grows meanwhile") {
    Counters counters;
    const ListenerId listener = counters.add_listener("edge", Mode::terminate);
    const UpstreamId upstream = counters.add_upstream("db");

    std::vector<std::thread> threads;
    for (int i = 0; i < writers; ++i) {
        threads.emplace_back([&] {
            Block& block = counters.block_of_this_thread();
            for (std::uint64_t round = 0; round < rounds; ++round) {
                count_one_connection(block, listener, upstream);
            }
        });
    }
    std::uint64_t last = 0;
    for (int scrape = 0; last < writers * rounds; ++scrape) {
        if (scrape < 10) (void)counters.add_listener("l" + std::to_string(scrape), Mode::terminate);
        const std::uint64_t now = opened(counters.sum());
        REQUIRE(now >= last);
        last = now;
    }
    for (std::thread& thread : threads)
        thread.join();

    const Totals totals = counters.sum();
    CHECK(opened(totals) == writers * rounds);
    CHECK(totals.listeners.front().counts.bytes.front() == writers * rounds * 100);
    REQUIRE(totals.handshakes.size() == 1);
    CHECK(totals.handshakes.begin()->second == writers * rounds);
}

TEST_CASE("Threads that start together each get a block") {
    Counters counters;
    const ListenerId listener = counters.add_listener("edge", Mode::terminate);
    std::vector<std::thread> threads;
    for (int i = 0; i < 16; ++i) {
        threads.emplace_back(
            [&] { counters.block_of_this_thread().connection_opened(listener, Mode::terminate); });
    }
    for (std::thread& thread : threads)
        thread.join();
    CHECK(opened(counters.sum()) == 16);
}
