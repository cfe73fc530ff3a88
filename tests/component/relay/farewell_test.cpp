// What a client is told when its session is ended from outside: 57P01, behind a whole message, in
// TLS too; and how a session ends that its client has terminated.
#include "protocol/messages.h"
#include "proxy/relay/farewell.h"
#include "tests/support/relay_fixture.h"

using namespace pgmoat;
using namespace pgmoat::test;
using metrics::CloseReason;

namespace {

const relay::Ended killed{CloseReason::killed, "ended by console user \"root\""};

Bytes farewell() {
    return protocol::encode_fatal(*relay::farewell_of(CloseReason::killed));
}

Bytes operator+(Bytes left, const Bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

Bytes message(char type, const Bytes& body) {
    Bytes bytes{static_cast<std::uint8_t>(type)};
    protocol::append_uint32(bytes, static_cast<std::uint32_t>(body.size() + 4));
    return std::move(bytes) + body;
}

Ends connect_as(RelayFixture& relay, std::uint64_t id, Mode mode) {
    Prepared prepared = prepare(mode);
    prepared.channel->id = id;
    return relay.adopt(std::move(prepared));
}

bool has_messages(Mode mode) {
    return mode != Mode::passed_through;
}

} // namespace

TEST_CASE("a client between two messages is told at once, in every mode but passthrough") {
    for (const Mode mode : every_mode) {
        INFO(name_of(mode));
        RelayFixture relay;
        Ends ends = connect_as(relay, 7, mode);
        const Bytes row = message('D', bytes_of("a row"));
        ends.server.send(row);
        REQUIRE(ends.client.receive(row.size()) == row);
        relay.plane.close(7, killed);
        REQUIRE(relay.outcome().reason == CloseReason::killed);
        CHECK(ends.client.receive_all() == (has_messages(mode) ? farewell() : Bytes()));
    }
}

TEST_CASE("a client inside a message gets the rest of it first, and nothing of the next") {
    for (const Mode mode : every_mode) {
        if (!has_messages(mode)) continue;
        INFO(name_of(mode));
        RelayFixture relay;
        Ends ends = connect_as(relay, 7, mode);
        const Bytes row = message('D', pattern(1, 100'000));
        const auto middle = row.begin() + 50'000;
        ends.server.send(Bytes(row.begin(), middle));
        Bytes got = ends.client.receive(50'000);
        relay.plane.close(7, killed);
        CHECK(relay.ended.wait_for(1, std::chrono::seconds(1)).empty());
        ends.server.send(Bytes(middle, row.end()) + message('D', bytes_of("the next row")));
        got = std::move(got) + ends.client.receive_all();
        CHECK(same(got, row + farewell()));
        CHECK(relay.outcome().reason == CloseReason::killed);
    }
}

TEST_CASE("a client that reads slowly gets what it is owed, then the words") {
    RelayFixture relay;
    Ends ends = connect_as(relay, 7, Mode::tls_to_client);
    const Bytes row = message('D', pattern(2, 8'000'000));
    std::thread sender([&] { ends.server.send(row + message('D', bytes_of("the next row"))); });
    Bytes got = ends.client.receive(1000);
    relay.plane.close(7, killed);
    got = std::move(got) + ends.client.receive_all();
    sender.join();
    CHECK(same(got, row + farewell()));
}

TEST_CASE("a message that its server does not finish is not waited for without end") {
    RelayFixture relay;
    Ends ends = connect_as(relay, 7, Mode::plain);
    const Bytes begin{'D', 0, 0, 1, 0, 'x'};
    ends.server.send(begin);
    REQUIRE(ends.client.receive(begin.size()) == begin);
    relay.plane.close(7, killed);
    CHECK(relay.outcome().reason == CloseReason::killed);
    CHECK(ends.client.receive_all().empty());
}

TEST_CASE("the end of all: everyone is told, the plane's own end waits for nobody") {
    RelayFixture relay;
    Ends idle = connect_as(relay, 1, Mode::tls_both);
    Ends busy = connect_as(relay, 2, Mode::plain);
    busy.server.send(Bytes{'D', 0, 0, 1, 0, 'x'});
    REQUIRE(busy.client.receive(6).size() == 6);
    relay.plane.close_all();
    CHECK(idle.client.receive_all() == farewell());
    CHECK(relay.ended.wait_for(1).size() == 1);
}

TEST_CASE("after a Terminate every end is the client's") {
    for (const Mode mode : every_mode) {
        if (!has_messages(mode)) continue;
        for (const bool rude : {false, true}) {
            INFO(name_of(mode) << (rude ? ", reset" : ", FIN without close_notify"));
            RelayFixture relay;
            Ends ends = relay.connect(mode);
            ends.client.send(message('X', {}));
            REQUIRE(ends.server.receive(5).size() == 5);
            if (rude)
                ends.client.reset();
            else
                ends.client.close();
            ends.server.close();
            CHECK(relay.outcome().reason == CloseReason::client_closed);
        }
    }
}
