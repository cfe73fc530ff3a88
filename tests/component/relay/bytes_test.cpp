// Whatever goes in at one side comes out at the other: the same bytes in the same order.
#include "tests/support/relay_fixture.h"

#include <future>
#include <thread>

using namespace pgmoat;
using namespace pgmoat::test;

namespace {

struct Exchange {
    std::uint64_t sends; // seeds of the two patterns
    std::uint64_t awaits;
    std::size_t size;
    std::size_t piece; // bytes sent at a time
    bool slowly;
};

// Sends one pattern while it receives another, in one thread, as a TLS session may only be used by
// one at a time. Returns how many bytes were as expected, up to the first wrong one.
std::size_t exchange(Peer& peer, const Exchange& plan) {
    Pattern source(plan.sends);
    Pattern expected(plan.awaits);
    Bytes raw;
    Bytes received;
    std::size_t sent = 0;
    std::size_t right = 0;
    bool finished = false;
    bool ended = false;
    for (int round = 1; !(finished && ended) && peer.wait(!finished); ++round) {
        if (raw.empty() && sent < plan.size) {
            const Bytes piece = source.next(std::min(plan.piece, plan.size - sent));
            sent += piece.size();
            raw = peer.session() ? peer.encrypted(piece) : piece;
        }
        if (!raw.empty() && !peer.send_now(raw)) return right;
        if (!finished && raw.empty() && sent == plan.size) {
            peer.finish();
            finished = true;
        }
        received.clear();
        if (!ended) ended = !peer.receive_now(received);
        if (!expected.matches(received)) return right;
        right += received.size();
        if (plan.slowly && round % 512 == 0)
            std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return right;
}

} // namespace

TEST_CASE("A message reaches the other side, both ways, in every mode") {
    for (const Mode mode : every_mode) {
        INFO(name_of(mode));
        RelayFixture relay;
        Ends ends = relay.connect(mode);
        for (const char* text : {"a", "select 1", "a longer one"}) {
            REQUIRE(ends.client.send(text));
            REQUIRE(ends.server.receive_text(std::string_view(text).size()) == text);
            REQUIRE(ends.server.send(text));
            REQUIRE(ends.client.receive_text(std::string_view(text).size()) == text);
        }
    }
}

TEST_CASE("Bytes that are sent one at a time arrive in order, in every mode") {
    for (const Mode mode : every_mode) {
        INFO(name_of(mode));
        RelayFixture relay;
        Ends ends = relay.connect(mode);
        const Bytes bytes = pattern(7, 300);
        for (const std::uint8_t byte : bytes)
            REQUIRE(ends.client.send(std::span(&byte, 1)));
        REQUIRE(ends.server.receive(bytes.size()) == bytes);
    }
}

TEST_CASE("A TLS record that arrives one byte at a time is relayed when it is whole") {
    RelayFixture relay;
    Ends ends = relay.connect(Mode::tls_both);
    const Bytes record = ends.client.encrypted(bytes_of("select 1"));
    for (const std::uint8_t byte : record)
        REQUIRE(ends.client.send_raw(std::span(&byte, 1)));
    REQUIRE(ends.server.receive_text(8) == "select 1");
}

TEST_CASE("Unix sockets are relayed like TCP sockets") {
    for (const Mode mode : every_mode) {
        INFO(name_of(mode));
        RelayFixture relay;
        Ends ends = relay.adopt(prepare(mode, unix_pair));
        const std::size_t size = 2'000'000;
        auto server = std::async([&] { return exchange(ends.server, {3, 4, size, 8192, true}); });
        REQUIRE(exchange(ends.client, {4, 3, size, 100'000, true}) == size);
        REQUIRE(server.get() == size);
    }
}

TEST_CASE("64 MiB each way at once arrive whole when the readers are slow, in every mode") {
    for (const Mode mode : every_mode) {
        INFO(name_of(mode));
        RelayFixture relay;
        Ends ends = relay.connect(mode);
        const std::size_t size = 64UL * 1024 * 1024;
        auto server = std::async([&] { return exchange(ends.server, {2, 1, size, 8192, true}); });
        const std::size_t client_got = exchange(ends.client, {1, 2, size, 100'000, true});
        REQUIRE(server.get() == size);
        REQUIRE(client_got == size);

        const Outcome outcome = relay.outcome();
        if (mode == Mode::passed_through) continue; // it counts ciphertext
        REQUIRE(outcome.bytes_from_client == size);
        REQUIRE(outcome.bytes_from_server == size);
    }
}
