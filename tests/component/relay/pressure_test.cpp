// A peer that does not read stops the other side; it costs a bounded amount of memory, loses no
// byte and delays no other connection.
#include "proxy/relay/limits.h"
#include "tests/support/relay_fixture.h"

#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <atomic>
#include <future>
#include <thread>

using namespace pgmoat;
using namespace pgmoat::test;
using Clock = std::chrono::steady_clock;

namespace {

// Sends until the connection accepts no more for a while; returns how much was sent.
std::size_t fill(Peer& peer, Pattern& source) {
    std::size_t taken = 0;
    Bytes raw;
    for (int idle = 0; idle < 20;) {
        if (raw.empty()) {
            const Bytes piece = source.next(8192);
            raw = peer.session() ? peer.encrypted(piece) : piece;
            taken += piece.size();
        }
        const std::size_t before = raw.size();
        if (!peer.send_now(raw)) break;
        if (raw.size() < before) {
            idle = 0;
            continue;
        }
        ++idle;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    // Part of the last piece was sent; the test finishes it when the peer reads.
    peer.unfinished = raw;
    return taken;
}

std::size_t queued(int socket, unsigned long request) {
    int bytes = 0;
    if (::ioctl(socket, request, &bytes) != 0) throw std::runtime_error("ioctl");
    return static_cast<std::size_t>(bytes);
}

} // namespace

TEST_CASE("A stalled client stops the server, and everything arrives when it reads again") {
    for (const Mode mode : every_mode) {
        INFO(name_of(mode));
        RelayFixture relay;
        Ends ends = relay.connect(mode);
        Pattern source(9);
        const std::size_t taken = fill(ends.server, source);
        INFO(taken);
        REQUIRE(taken > 0);
        REQUIRE(relay.ended.count() == 0);

        auto rest = std::async([&] { return ends.server.send_raw(ends.server.unfinished); });
        Pattern expected(9);
        REQUIRE(expected.matches(ends.client.receive(taken)));
        REQUIRE(rest.get());
        REQUIRE(relay.plane.threads()[0].pipes_in_use == 0);
    }
}

TEST_CASE(
    "Bytes buffered for a stalled client are reported, until it reads or the channel has ended") {
    for (const Mode mode : {Mode::tls_to_client, Mode::tls_both}) {
        for (const bool reads_at_last : {true, false}) {
            INFO(name_of(mode));
            RelayFixture relay;
            const auto buffered = [&relay] { return relay.plane.threads()[0].buffered_bytes; };
            REQUIRE(buffered() == 0);
            Ends ends = relay.connect(mode);
            Pattern source(9);
            const std::size_t taken = fill(ends.server, source);
            CHECK(buffered() > 0);
            CHECK(buffered() <= relay::limits::turn_bytes + relay::limits::answer_bytes);
            if (reads_at_last) {
                auto rest =
                    std::async([&] { return ends.server.send_raw(ends.server.unfinished); });
                REQUIRE(ends.client.receive(taken).size() == taken);
                REQUIRE(rest.get());
                ends.client.finish();
                ends.server.finish();
            } else {
                ends.client.reset();
                ends.server.reset();
            }
            (void)relay.outcome();
            CHECK(buffered() == 0);
        }
    }
}

TEST_CASE("While one direction is stalled the other one flows") {
    for (const Mode mode : every_mode) {
        INFO(name_of(mode));
        RelayFixture relay;
        Ends ends = relay.connect(mode);
        Pattern source(9);
        fill(ends.server, source);
        for (int i = 0; i < 100; ++i) {
            REQUIRE(ends.client.send("copy data"));
            REQUIRE(ends.server.receive_text(9) == "copy data");
        }
    }
}

TEST_CASE("Both sides may write without reading: nothing is lost when they read at last") {
    for (const Mode mode : every_mode) {
        INFO(name_of(mode));
        RelayFixture relay;
        Ends ends = relay.connect(mode);
        Pattern upward(1);
        Pattern downward(2);
        const std::size_t from_client = fill(ends.client, upward);
        const std::size_t from_server = fill(ends.server, downward);
        // Both have a partly sent piece: read first, then send the rest.
        const Bytes rest_of_client = ends.client.unfinished;
        const Bytes rest_of_server = ends.server.unfinished;
        Bytes at_server = ends.server.receive(from_client - 8192);
        REQUIRE(ends.client.send_raw(rest_of_client));
        const Bytes last_at_server = ends.server.receive(8192);
        at_server.insert(at_server.end(), last_at_server.begin(), last_at_server.end());
        Bytes at_client = ends.client.receive(from_server - 8192);
        REQUIRE(ends.server.send_raw(rest_of_server));
        const Bytes last_at_client = ends.client.receive(8192);
        at_client.insert(at_client.end(), last_at_client.begin(), last_at_client.end());
        Pattern expected_up(1);
        Pattern expected_down(2);
        REQUIRE(expected_up.matches(at_server));
        REQUIRE(expected_down.matches(at_client));
    }
}

TEST_CASE("What a stalled channel holds in memory and pipes is bounded") {
    for (const Mode mode : every_mode) {
        INFO(name_of(mode));
        RelayFixture relay;
        Prepared prepared = prepare(mode);
        const int client_side = prepared.channel->client.socket.get();
        const int server_side = prepared.channel->server.socket.get();
        Ends ends = relay.adopt(std::move(prepared));
        Pattern source(9);
        fill(ends.server, source);
        // Bytes that left the server and are in no kernel queue are held by the relay.
        const std::size_t in_kernel = queued(server_side, SIOCINQ) + queued(client_side, SIOCOUTQ) +
                                      queued(ends.client.socket(), SIOCINQ);
        const std::size_t sent = ends.server.sent_raw - queued(ends.server.socket(), SIOCOUTQ);
        const std::size_t tls_overhead = sent / 100;
        REQUIRE(sent <=
                in_kernel + tls_overhead + relay::limits::turn_bytes + relay::limits::pipe_bytes);
    }
}

TEST_CASE("A client that resets while it is stalled ends the channel") {
    RelayFixture relay;
    Ends ends = relay.connect(Mode::tls_to_client);
    Pattern source(9);
    fill(ends.server, source);
    ends.client.reset();
    REQUIRE(relay.outcome().reason == metrics::CloseReason::client_io_error);
}

TEST_CASE("Small messages do not wait for the bulk of other channels on the thread") {
    for (const Mode mode : {Mode::plain, Mode::tls_both}) {
        INFO(name_of(mode));
        RelayFixture relay;
        std::vector<Ends> bulk;
        for (int i = 0; i < 3; ++i)
            bulk.push_back(relay.connect(mode));
        Ends small = relay.connect(mode);

        std::atomic<bool> stop{false};
        std::vector<std::thread> threads;
        for (Ends& ends : bulk) {
            threads.emplace_back([&] {
                const Bytes piece = pattern(1, 64UL * 1024);
                while (!stop && ends.server.send(piece)) {
                }
                ends.server.finish();
            });
            threads.emplace_back([&] {
                while (!ends.client.receive(1'000'000).empty()) {
                }
            });
        }
        auto slowest = Clock::duration{};
        bool right = true;
        for (int i = 0; i < 200 && right; ++i) {
            const auto start = Clock::now();
            right = small.client.send("ping") && small.server.receive_text(4) == "ping" &&
                    small.server.send("pong") && small.client.receive_text(4) == "pong";
            slowest = std::max(slowest, Clock::now() - start);
        }
        stop = true;
        for (auto& thread : threads)
            thread.join();
        REQUIRE(right);
        REQUIRE(slowest <
                std::chrono::seconds(
                    2)); // the machine may be busy; a starved connection would wait for ever
    }
}
