// What a channel may have when it is adopted: received bytes that were not relayed, unsent bytes,
// bytes inside the TLS session, and an early end of the stream. No event reports any of these.
#include "tests/support/relay_fixture.h"

#include <thread>

using namespace pgmoat;
using namespace pgmoat::test;

namespace {

bool has_client_tls(Mode mode) {
    return mode == Mode::tls_to_client || mode == Mode::tls_both;
}

} // namespace

TEST_CASE("Bytes that were received before the hand-over are relayed, in every mode") {
    for (const Mode mode : every_mode) {
        INFO(name_of(mode));
        RelayFixture relay;
        Prepared prepared = prepare(mode);
        Peer& client = prepared.ends.client;
        const Bytes query = pattern(1, 400'000); // more than all of a thread's buffers
        const Bytes received = client.session() ? client.encrypted(query) : query;
        prepared.channel->client.unread = received;
        Ends ends = relay.adopt(std::move(prepared));
        REQUIRE(same(ends.server.receive(query.size()), query));

        REQUIRE(ends.client.send("next"));
        REQUIRE(ends.server.receive_text(4) == "next");
    }
}

TEST_CASE("Unsent bytes of the hand-over go out first, in every mode") {
    for (const Mode mode : every_mode) {
        INFO(name_of(mode));
        RelayFixture relay;
        Prepared prepared = prepare(mode);
        const Bytes answer = pattern(2, 60'000);
        if (has_client_tls(mode)) {
            tls::Wire wire{{}, false, prepared.channel->client.unsent};
            REQUIRE(prepared.channel->client.tls->write(answer, wire) == tls::Status::ok);
        } else {
            prepared.channel->client.unsent =
                mode == Mode::passed_through ? prepared.ends.server.encrypted(answer) : answer;
        }
        Peer& server = prepared.ends.server;
        REQUIRE(server.send("behind"));
        Ends ends = relay.adopt(std::move(prepared));
        REQUIRE(same(ends.client.receive(answer.size()), answer));
        REQUIRE(ends.client.receive_text(6) == "behind");
    }
}

TEST_CASE("Decrypted bytes that the TLS session holds are relayed without an event") {
    RelayFixture relay;
    Prepared prepared = prepare(Mode::tls_to_client);
    const Bytes query = pattern(3, 16'000);
    const Bytes record = prepared.ends.client.encrypted(query);
    Bytes answer;
    tls::Wire wire{record, false, answer};
    std::array<std::uint8_t, 100> first{}; // the control plane read only this much
    const tls::ReadResult got = prepared.channel->client.tls->read(first, wire);
    REQUIRE(got.status == tls::Status::ok);
    prepared.channel->client.unread.assign(wire.in.begin(), wire.in.end());

    Ends ends = relay.adopt(std::move(prepared));
    REQUIRE(same(ends.server.receive(query.size() - first.size()),
                 Bytes(query.begin() + first.size(), query.end())));
}

TEST_CASE("A record of which the first part came before the hand-over is relayed when whole") {
    RelayFixture relay;
    Prepared prepared = prepare(Mode::tls_both);
    const Bytes record = prepared.ends.client.encrypted(bytes_of("select 1"));
    prepared.channel->client.unread.assign(record.begin(), record.begin() + 9);
    Ends ends = relay.adopt(std::move(prepared));
    REQUIRE(ends.client.send_raw(std::span(record).subspan(9)));
    REQUIRE(ends.server.receive_text(8) == "select 1");
}

TEST_CASE("A side that ended before the hand-over ends the channel, its bytes first") {
    for (const Mode mode : every_mode) {
        INFO(name_of(mode));
        RelayFixture relay;
        Prepared prepared = prepare(mode);
        REQUIRE(prepared.ends.client.send("terminate"));
        prepared.ends.client.finish();
        Ends ends = relay.adopt(std::move(prepared));
        REQUIRE(ends.server.receive_all() == bytes_of("terminate"));
        ends.server.finish();
        REQUIRE(relay.outcome().reason == metrics::CloseReason::client_closed);
    }
}

TEST_CASE("Bytes that were received before the hand-over wait for a server that accepts nothing") {
    for (const Mode mode : {Mode::plain, Mode::tls_both}) {
        INFO(name_of(mode));
        RelayFixture relay;
        Prepared prepared = prepare(mode);
        const Bytes query = pattern(4, 12'000'000); // more than the kernel buffers
        Peer& client = prepared.ends.client;
        prepared.channel->client.unread = client.session() ? client.encrypted(query) : query;
        Ends ends = relay.adopt(std::move(prepared));
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        REQUIRE(same(ends.server.receive(query.size()), query));
    }
}
