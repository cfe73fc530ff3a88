// A direction that carries bulk wakes the relay for much or after a tick. What is tested is that it
// happens, that it ends at once when the stream does, and that nothing is lost or waits for long,
// whatever sizes and pauses a stream has.

#include "proxy/relay/limits.h"
#include "proxy/relay/wake_pace.h"
#include "tests/component/relay/socket_faults.h"
#include "tests/support/relay_fixture.h"
#include "tests/support/take_channel.h"

#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <random>
#include <thread>

using namespace pgmoat;
using namespace pgmoat::test;
using namespace std::chrono_literals;
using relay::WakePace;
namespace limits = relay::limits;

namespace {

constexpr std::size_t write_bytes = 8192; // as PostgreSQL and libpq do

void pour(WakePace& pace, std::size_t bytes) {
    for (; bytes > 0; bytes -= write_bytes)
        pace.looked(write_bytes);
}

// Of a socket that the relay owns.
int wakes_at(int socket) {
    int bytes = 0;
    socklen_t size = sizeof bytes;
    ::getsockopt(socket, SOL_SOCKET, SO_RCVLOWAT, &bytes, &size);
    return bytes;
}

bool soon_wakes_at(int socket, int bytes) {
    for (int i = 0; i < 10000; ++i) {
        if (wakes_at(socket) == bytes) return true;
        std::this_thread::sleep_for(1ms);
    }
    return false;
}

void small_buffers(int socket) {
    const int bytes = 32 * 1024;
    ::setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    ::setsockopt(socket, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
}

enum class Pauses { none, some };

// So many bytes in writes of PostgreSQL's size. True: all came, in order.
bool stream(
    Peer& from, Peer& to, std::uint64_t number, std::size_t bytes, Pauses pauses = Pauses::none) {
    std::thread sender([&from, pauses, number, bytes] {
        constexpr std::chrono::microseconds lengths[] = {50us, limits::late_tick, 2ms};
        std::mt19937 choice(static_cast<unsigned>(number));
        Pattern source(number);
        for (std::size_t left = bytes; left > 0;) {
            const std::size_t piece = std::min(left, write_bytes);
            if (!from.send(source.next(piece))) return;
            left -= piece;
            if (pauses == Pauses::some && choice() % 64 == 0)
                std::this_thread::sleep_for(lengths[choice() % std::size(lengths)]);
        }
    });
    Pattern expected(number);
    const bool whole = expected.matches(to.receive(bytes));
    sender.join();
    return whole;
}

// Streams of sizes around each threshold, in turns.
bool converse(Ends& ends) {
    constexpr std::size_t sizes[] = {limits::late_after_bytes - 1,
                                     1,
                                     limits::late_after_bytes + limits::late_wakes_at + 1,
                                     write_bytes,
                                     limits::late_after_bytes + limits::late_wakes_at / 2 + 77};
    std::uint64_t number = 1;
    for (const std::size_t size : sizes)
        if (!stream(ends.client, ends.server, number++, 1 + size % 1000) ||
            !stream(ends.server, ends.client, number++, size, Pauses::some))
            return false;
    return stream(
        ends.client, ends.server, number, limits::late_after_bytes + write_bytes, Pauses::some);
}

} // namespace

TEST_CASE(
    "A source is woken late after much in a row, until little comes or the other side moves") {
    WakePace pace;
    pour(pace, limits::late_after_bytes - write_bytes);
    CHECK_FALSE(pace.late());

    SECTION("a look at an empty socket says nothing of the stream") {
        pace.looked(0);
        pour(pace, write_bytes);
        CHECK(pace.late());
    }
    SECTION("a look that brings little begins anew") {
        pace.looked(1);
        pour(pace, write_bytes);
        CHECK_FALSE(pace.late());
    }
    SECTION("the other side moves") {
        pour(pace, write_bytes);
        pace.hurry();
        CHECK_FALSE(pace.late());
        pour(pace, limits::late_after_bytes - write_bytes);
        CHECK_FALSE(pace.late());
    }
    SECTION("only what a tick brings says that the stream has ended") {
        pour(pace, write_bytes);
        pace.looked(0);
        pace.looked(1);
        CHECK(pace.late());
        pace.tick();
        pace.looked(limits::late_ends_below);
        CHECK(pace.late());
        pace.tick();
        pace.looked(limits::late_ends_below - 1);
        CHECK_FALSE(pace.late());
    }
    SECTION("a stream that had only paused goes on as before") {
        pour(pace, write_bytes);
        pace.tick();
        pace.looked(0);
        pour(pace, limits::late_again_after_bytes - write_bytes);
        CHECK_FALSE(pace.late());
        SECTION("if much comes in a row") {
            pour(pace, write_bytes);
            CHECK(pace.late());
        }
        SECTION("not if a look brings little") {
            pace.looked(1);
            pour(pace, limits::late_after_bytes - write_bytes);
            CHECK_FALSE(pace.late());
        }
        SECTION("not if the other side moves") {
            pace.hurry();
            pour(pace, limits::late_after_bytes - write_bytes);
            CHECK_FALSE(pace.late());
        }
    }
}

TEST_CASE("Bulk from the server wakes the relay for much, and every byte does again after it") {
    for (const Mode mode : every_mode) {
        INFO(name_of(mode));
        RelayFixture relay;
        Prepared prepared = prepare(mode);
        const int socket = prepared.channel->server.socket.get();
        Ends ends = relay.adopt(std::move(prepared));
        bool late = false;
        for (int i = 0; i < 20 && !late;
             ++i) { // a sender that a busy machine makes slow is no bulk
            std::atomic<bool> over{false};
            std::thread watcher([&] {
                while (!over && !late)
                    late = wakes_at(socket) == limits::late_wakes_at;
            });
            CHECK(stream(ends.server, ends.client, 7, 3 * limits::late_after_bytes));
            over = true;
            watcher.join();
        }
        CHECK(late);
        CHECK(soon_wakes_at(socket, 1));
    }
}

TEST_CASE("Streams of all sizes and pauses arrive whole, in every mode") {
    for (const Mode mode : every_mode) {
        INFO(name_of(mode));
        RelayFixture relay;
        Ends ends = relay.connect(mode);
        REQUIRE(converse(ends));
    }
}

TEST_CASE("They do through sockets that hold less than the mark") {
    RelayFixture relay;
    Prepared prepared = prepare(Mode::tls_to_client);
    small_buffers(prepared.channel->client.socket.get());
    small_buffers(prepared.channel->server.socket.get());
    Ends ends = relay.adopt(std::move(prepared));
    REQUIRE(converse(ends));
}

TEST_CASE("They do when calls do less than they were asked for") {
    for (const Mode mode : {Mode::plain, Mode::tls_both}) {
        INFO(name_of(mode));
        const WithSocketFaults faults({.seed = 5, .short_sends = true, .short_receives = true});
        RelayFixture relay;
        Ends ends = relay.connect(mode);
        REQUIRE(converse(ends));
        CHECK(faults.made() > 0);
    }
}

TEST_CASE("They do where the kernel knows no sleep below a millisecond") {
    const WithSocketFaults faults({.no_short_sleep = true});
    RelayFixture relay;
    Ends ends = relay.connect(Mode::tls_to_client);
    REQUIRE(converse(ends));
    CHECK(faults.made() > 0);
}

TEST_CASE("An end behind bulk comes at once and behind its bytes") {
    for (const Mode mode : every_mode) {
        INFO(name_of(mode));
        RelayFixture relay;
        Ends ends = relay.connect(mode);
        Pattern source(3);
        Pattern expected(3);
        const std::size_t bytes = limits::late_after_bytes + limits::late_wakes_at / 2 + 77;
        std::thread sender([&] {
            (void)ends.server.send(source.next(bytes));
            ends.server.finish();
        });
        REQUIRE(expected.matches(ends.client.receive(bytes)));
        sender.join();
        ends.client.finish();
        CHECK(relay.outcome().reason == metrics::CloseReason::server_closed);
    }
}

TEST_CASE("A channel in bulk leaves with sockets that wake for every byte") {
    RelayFixture relay;
    Prepared prepared = prepare(Mode::passed_through);
    const int socket = prepared.channel->server.socket.get();
    Ends ends = relay.adopt(std::move(prepared));
    std::atomic<bool> left{false};
    std::thread sender([&] {
        const Bytes piece(write_bytes);
        for (std::size_t sent = 0; !left && sent < 1UL << 30; sent += write_bytes)
            if (!ends.server.send(piece)) return;
    });
    std::thread reader([&] {
        while (!left)
            (void)ends.client.receive(write_bytes);
    });
    REQUIRE(soon_wakes_at(socket, limits::late_wakes_at));
    auto channel = take_soon(relay.plane);
    REQUIRE(channel);
    CHECK(wakes_at(socket) == 1);
    left = true;
    relay.plane.adopt(std::move(channel)); // the peers go on to their next look at `left`
    sender.join();
    ends.server.finish();
    reader.join();
}
