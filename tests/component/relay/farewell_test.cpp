// What a client gets when its session is ended by pgmoat: 57P01 after a complete message, also in
// TLS; and the end of a session after Terminate.
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

TEST_CASE("a client between two messages gets the error at once, in every mode but passthrough") {
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

TEST_CASE("a client that reads slowly gets its buffered bytes, then the error") {
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

TEST_CASE("the end of all: all clients get the error, and the plane's own end waits for none") {
    RelayFixture relay;
    Ends idle = connect_as(relay, 1, Mode::tls_both);
    Ends busy = connect_as(relay, 2, Mode::plain);
    busy.server.send(Bytes{'D', 0, 0, 1, 0, 'x'});
    REQUIRE(busy.client.receive(6).size() == 6);
    relay.plane.close_all();
    CHECK(idle.client.receive_all() == farewell());
    CHECK(relay.ended.wait_for(1).size() == 1);
}

namespace {

const relay::Ended drained{CloseReason::drain, "pgmoat drains"};

Bytes query(const char* text) {
    return message('Q', bytes_of(text) + Bytes{0});
}
Bytes ready(char status) {
    return message('Z', Bytes{static_cast<std::uint8_t>(status)});
}

// A query and its answer, after which the session is in `status`.
void ask(Ends& ends, const char* text, char status) {
    ends.client.send(query(text));
    REQUIRE(ends.server.receive(query(text).size()) == query(text));
    ends.server.send(ready(status));
    REQUIRE(ends.client.receive(6) == ready(status));
}

} // namespace

TEST_CASE("told to leave when idle, an idle session leaves at once with the error") {
    for (const Mode mode : every_mode) {
        if (!has_messages(mode)) continue;
        INFO(name_of(mode));
        RelayFixture relay;
        Ends ends = connect_as(relay, 7, mode);
        ask(ends, "SELECT 1", 'I');
        relay.plane.close_all_when_idle(drained);
        CHECK(ends.client.receive_all() == farewell());
        CHECK(relay.outcome().reason == CloseReason::drain);
    }
}

TEST_CASE("told to leave when idle, a session ends its transaction first") {
    for (const Mode mode : every_mode) {
        if (!has_messages(mode)) continue;
        INFO(name_of(mode));
        RelayFixture relay;
        Ends ends = connect_as(relay, 7, mode);
        ask(ends, "BEGIN", 'T');
        relay.plane.close({{7}}, drained, relay::When::idle);
        ask(ends, "INSERT", 'T');
        CHECK(relay.ended.wait_for(1, std::chrono::seconds(0)).empty());
        ends.client.send(query("COMMIT"));
        REQUIRE(ends.server.receive(query("COMMIT").size()) == query("COMMIT"));
        ends.server.send(ready('I'));
        CHECK(ends.client.receive_all() == ready('I') + farewell());
        CHECK(relay.outcome().reason == CloseReason::drain);
    }
}

TEST_CASE("told to leave when idle, many at once leave, each after its answer") {
    for (const Mode mode : every_mode) {
        if (!has_messages(mode)) continue;
        INFO(name_of(mode));
        RelayFixture relay;
        constexpr std::size_t many = 40;
        std::vector<Ends> all;
        for (std::uint64_t id = 1; id <= many; ++id)
            all.push_back(connect_as(relay, id, mode));
        for (Ends& ends : all) {
            ends.client.send(query("SELECT 1"));
            REQUIRE(ends.server.receive(query("SELECT 1").size()).size() > 0);
        }
        relay.plane.close_all_when_idle(drained);
        for (Ends& ends : all)
            ends.server.send(ready('I'));
        for (Ends& ends : all)
            CHECK(ends.client.receive_all() == ready('I') + farewell());
        CHECK(relay.ended.wait_for(many).size() == many);
    }
}

TEST_CASE("told to leave when idle, a session that passes through goes on, and so does one that "
          "comes later") {
    RelayFixture relay;
    Ends through = connect_as(relay, 1, Mode::passed_through);
    relay.plane.close_all_when_idle(drained);
    Ends later = connect_as(relay, 2, Mode::tls_to_client);
    CHECK(later.client.receive_all() == farewell());
    CHECK(relay.ended.wait_for(2, std::chrono::seconds(1)).empty());
    through.server.send(bytes_of("still here"));
    CHECK(through.client.receive(10) == bytes_of("still here"));
}

TEST_CASE("an idle limit ends an idle session, and spares one that has become busy") {
    const relay::Ended overdue{CloseReason::idle, "idle_session_timeout expired"};
    RelayFixture relay;
    Ends busy = connect_as(relay, 1, Mode::plain);
    Ends idle = connect_as(relay, 2, Mode::plain);
    busy.client.send(query("SELECT 1"));
    REQUIRE(busy.server.receive(query("SELECT 1").size()).size() > 0);
    relay.plane.close({{1, 2}}, overdue, relay::When::if_idle);
    CHECK(idle.client.receive_all() ==
          protocol::encode_fatal(*relay::farewell_of(CloseReason::idle)));
    busy.server.send(ready('I'));
    CHECK(busy.client.receive(6) == ready('I'));
    CHECK(relay.ended.wait_for(2, std::chrono::seconds(1)).empty());
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
