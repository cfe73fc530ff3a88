// How channels end: what was sent before the end arrives, the other direction continues, and the
// reason names the side that ended first.
#include "tests/support/relay_fixture.h"

using namespace pgmoat;
using namespace pgmoat::test;
using Catch::Matchers::ContainsSubstring;
using metrics::CloseReason;

TEST_CASE("Bytes that come together with the end arrive before it, in every mode") {
    for (const Mode mode : every_mode) {
        INFO(name_of(mode));
        RelayFixture relay;
        Ends ends = relay.connect(mode);
        Bytes last = bytes_of("terminate");
        if (ends.client.session()) {
            last = ends.client.encrypted(last);
            const Bytes end = ends.client.close_notify();
            last.insert(last.end(), end.begin(), end.end());
        }
        REQUIRE(ends.client.send_raw(last));
        ends.client.close();
        REQUIRE(ends.server.receive_all() == bytes_of("terminate"));
        if (mode == Mode::passed_through) continue; // sees close_notify, not yet the client's FIN
        ends.server.close();
        REQUIRE(relay.outcome().reason == CloseReason::client_closed);
    }
}

TEST_CASE("A client that ends its half still gets the answer, in every mode") {
    for (const Mode mode : every_mode) {
        INFO(name_of(mode));
        RelayFixture relay;
        Ends ends = relay.connect(mode);
        REQUIRE(ends.client.send("select pg_sleep(60)"));
        ends.client.finish();
        REQUIRE(ends.server.receive_all() == bytes_of("select pg_sleep(60)"));
        const Bytes answer = pattern(5, 300'000);
        REQUIRE(ends.server.send(answer));
        ends.server.finish();
        REQUIRE(same(ends.client.receive_all(), answer));
        if (mode == Mode::passed_through) continue; // close_notify came before the FIN
        const Outcome outcome = relay.outcome();
        REQUIRE(outcome.reason == CloseReason::client_closed);
        REQUIRE(outcome.detail == "client closed the connection");
    }
}

TEST_CASE("A server that ends its half still gets what the client sends, in every mode") {
    for (const Mode mode : every_mode) {
        INFO(name_of(mode));
        RelayFixture relay;
        Ends ends = relay.connect(mode);
        REQUIRE(ends.server.send("FATAL"));
        ends.server.finish();
        REQUIRE(ends.client.receive_all() == bytes_of("FATAL"));
        REQUIRE(ends.client.send("one more"));
        ends.client.finish();
        REQUIRE(ends.server.receive_all() == bytes_of("one more"));
        if (mode == Mode::passed_through) continue; // close_notify came before the FIN
        const Outcome outcome = relay.outcome();
        REQUIRE(outcome.reason == CloseReason::server_closed);
        REQUIRE(outcome.detail == "server closed the connection");
    }
}

TEST_CASE("A TLS end is passed on as a TLS end") {
    RelayFixture relay;
    Ends ends = relay.connect(Mode::tls_both);
    ends.client.finish();
    ends.server.receive_all();
    REQUIRE(ends.server.ended_by() == "close_notify");
    ends.server.finish();
    ends.client.receive_all();
    REQUIRE(ends.client.ended_by() == "close_notify");
}

TEST_CASE("A TLS stream that ends without close_notify is truncated, its bytes are delivered") {
    RelayFixture relay;
    Ends ends = relay.connect(Mode::tls_both);
    REQUIRE(ends.client.send("terminate"));
    ends.client.close();
    REQUIRE(ends.server.receive_all() == bytes_of("terminate"));

    SECTION("and the other side is not told that the end was clean") {
        REQUIRE(ends.server.ended_by() == "truncation");
    }
    ends.server.close();
    const Outcome outcome = relay.outcome();
    REQUIRE(outcome.reason == CloseReason::tls_truncated);
    REQUIRE(outcome.detail == "client closed the connection without TLS close_notify");
}

TEST_CASE("A server's TLS stream that is cut names the server") {
    RelayFixture relay;
    Ends ends = relay.connect(Mode::tls_to_server);
    REQUIRE(ends.server.send("half an answer"));
    ends.server.close();
    REQUIRE(ends.client.receive_all() == bytes_of("half an answer"));
    ends.client.close();
    const Outcome outcome = relay.outcome();
    REQUIRE(outcome.reason == CloseReason::tls_truncated);
    REQUIRE_THAT(outcome.detail, ContainsSubstring("server"));
}

TEST_CASE("A reset names the side and the error") {
    RelayFixture relay;
    Ends ends = relay.connect(Mode::plain);

    SECTION("of the client") {
        ends.client.reset();
        const Outcome outcome = relay.outcome();
        REQUIRE(outcome.reason == CloseReason::client_io_error);
        REQUIRE(outcome.detail == "could not receive data from client: Connection reset by peer");
        REQUIRE(ends.server.receive_all().empty());
    }
    SECTION("of the server") {
        ends.server.reset();
        REQUIRE(ends.client.receive_all().empty());
        ends.client.close();
        const Outcome outcome = relay.outcome();
        REQUIRE(outcome.reason == CloseReason::server_io_error);
        REQUIRE(outcome.detail == "could not receive data from server: Connection reset by peer");
    }
}

TEST_CASE("What a server sent before it reset the connection reaches the client") {
    for (const Mode mode : {Mode::plain, Mode::tls_both}) {
        INFO(name_of(mode));
        RelayFixture relay;
        Ends ends = relay.connect(mode);
        // It closes with an unread query, which causes a reset: as PostgreSQL does when it is told
        // to terminate.
        REQUIRE(ends.client.send("a query that nobody reads"));
        pollfd arrived{ends.server.socket(), POLLIN, 0};
        REQUIRE(::poll(&arrived, 1, 20'000) == 1);
        REQUIRE(ends.server.send("FATAL: terminating connection"));
        ends.server.close();
        REQUIRE(ends.client.receive_all() == bytes_of("FATAL: terminating connection"));
        ends.client.close();
        REQUIRE(relay.outcome().reason == CloseReason::server_io_error);
    }
}

TEST_CASE("A client that still sends after the server's reset gets the server's last message") {
    RelayFixture relay;
    Ends ends = relay.connect(Mode::plain);
    REQUIRE(ends.server.send("FATAL"));
    ends.server.reset();
    for (int i = 0; i < 50; ++i)
        REQUIRE(ends.client.send("copy data"));
    REQUIRE(ends.client.receive_all() == bytes_of("FATAL"));
}

TEST_CASE("Bytes that are no TLS record end the channel with an error that names the side") {
    RelayFixture relay;
    Ends ends = relay.connect(Mode::tls_to_client);
    REQUIRE(ends.client.send("select 1"));
    REQUIRE(ends.server.receive_text(8) == "select 1");
    REQUIRE(ends.client.send_raw(bytes_of("this is not a TLS record, is it?")));
    REQUIRE(ends.server.receive_all().empty());
    const Outcome outcome = relay.outcome();
    REQUIRE(outcome.reason == CloseReason::client_io_error);
    REQUIRE_THAT(outcome.detail, ContainsSubstring("TLS with client failed: "));
    ends.client.receive_all();
    REQUIRE_THAT(ends.client.ended_by(), ContainsSubstring("alert"));
}

TEST_CASE("A client that does not close after the server's end is closed after a while") {
    RelayFixture relay;
    Ends ends = relay.connect(Mode::tls_to_client);
    const auto start = std::chrono::steady_clock::now();
    ends.server.close();
    const auto outcomes = relay.ended.wait_for(1, std::chrono::seconds(15));
    REQUIRE(outcomes.size() == 1);
    REQUIRE(outcomes.front().reason == CloseReason::server_closed);
    const auto took = std::chrono::steady_clock::now() - start;
    REQUIRE(took > std::chrono::seconds(4));
}

TEST_CASE("close_all ends every channel with reason drain and tells TLS peers") {
    RelayFixture relay(2);
    std::vector<Ends> connections;
    for (int i = 0; i < 20; ++i)
        connections.push_back(relay.connect(Mode::tls_to_client));
    relay.plane.close_all();
    const auto outcomes = relay.ended.wait_for(20);
    REQUIRE(outcomes.size() == 20);
    for (const Outcome& outcome : outcomes)
        REQUIRE(outcome.reason == CloseReason::drain);
    for (Ends& ends : connections) {
        ends.client.receive_all();
        REQUIRE(ends.client.ended_by() == "close_notify");
    }
    for (const auto& thread : relay.plane.threads())
        REQUIRE(thread.channels == 0);
}

TEST_CASE("A plane that goes away ends its channels with reason drain") {
    Recorder ended;
    Prepared prepared = prepare(Mode::tls_both);
    {
        metrics::Counters counters;
        relay::Plane plane({2}, ended, counters);
        plane.adopt(std::move(prepared.channel));
    }
    const auto outcomes = ended.wait_for(1);
    REQUIRE(outcomes.size() == 1);
    REQUIRE(outcomes.front().reason == CloseReason::drain);
}

TEST_CASE("A channel on a socket that cannot be watched ends alone, as internal") {
    RelayFixture relay;
    Ends good = relay.connect(Mode::plain);
    Prepared broken = prepare(Mode::plain);
    broken.channel->server.socket.reset();
    relay.plane.adopt(std::move(broken.channel));
    const Outcome outcome = relay.outcome();
    REQUIRE(outcome.reason == CloseReason::internal);
    REQUIRE_THAT(outcome.detail, ContainsSubstring("Bad file descriptor"));
    REQUIRE(good.client.send("alive"));
    REQUIRE(good.server.receive_text(5) == "alive");
}
