// A session that ends at each of its steps: because the client is silent or disconnects, because
// the server does, by a limit, by a kill. What the client gets, what is reported, and when.
#include "proxy/access/kill.h"
#include "tests/support/control_fixture.h"

using namespace pgmoat;
using namespace pgmoat::test;
using metrics::CloseReason;

namespace {

const relay::Ended killed{CloseReason::killed, "ended by console user \"root\""};

std::string conninfo(std::uint16_t port, const std::string& more = "") {
    return "host=127.0.0.1 port=" + std::to_string(port) + " sslmode=disable " + more;
}

// A server that reads the startup packet and then runs the script.
ScriptedServer::Script after_startup(std::function<void(Peer&)> script) {
    return [script = std::move(script)](Peer& peer) {
        const Bytes length = peer.receive(4);
        if (length.size() < 4) return;
        (void)peer.receive(protocol::read_uint32(length) - 4);
        script(peer);
    };
}
void nothing(Peer& peer) {
    (void)peer.receive_all();
}

// Kills the only session of the test.
void kill(ControlFixture& test) {
    REQUIRE(test.thread->sessions.size() == 1);
    (*test.thread->sessions.begin())->interrupt(killed);
}

double seconds_since(SteadyClock::time_point began) {
    return std::chrono::duration<double>(SteadyClock::now() - began).count();
}

} // namespace

TEST_CASE("a login that goes well is handed over, and the client gets every byte") {
    ScriptedServer server(after_startup([](Peer& peer) {
        peer.send(lets_in());
        (void)peer.receive_all();
    }));
    ControlFixture test(conninfo(server.port()));
    Peer client = test.connect();
    client.send(startup_of("alice"));
    REQUIRE(test.run_until([&] { return test.thread->sessions.empty(); }));
    CHECK(client.receive(lets_in().size()) == lets_in());
    CHECK(test.ends.all().empty());
}

// --- the client ----------------------------------------------------------------------------------

TEST_CASE("a client that must send something is closed silently when its time is up") {
    ScriptedServer server(after_startup([](Peer& peer) {
        peer.send(asks_for_password());
        nothing(peer);
    }));
    const Bytes startup = startup_of("alice");
    const std::vector<Bytes> sent{{}, {0, 0}, Bytes(startup.begin(), startup.begin() + 9), startup};
    for (const Bytes& bytes : sent) {
        INFO(bytes.size() << " bytes sent");
        ControlFixture test(conninfo(server.port()));
        Peer client = test.connect();
        const auto began = SteadyClock::now();
        client.send(bytes);
        const relay::Ended ended = test.ended();
        CHECK(seconds_since(began) > 0.9);
        CHECK(seconds_since(began) < 1.5);
        CHECK(ended.reason == CloseReason::timeout);
        CHECK(client.receive_all() == (bytes == startup ? asks_for_password() : Bytes{}));
    }
}

TEST_CASE(
    "bytes of an answer do not give the client more time, and a whole answer stops its clock") {
    ScriptedServer server(after_startup([](Peer& peer) {
        peer.send(asks_for_password());
        (void)peer.receive(7);
        std::this_thread::sleep_for(1500ms); // longer than authentication_timeout
        peer.send(lets_in());
        nothing(peer);
    }));
    ControlFixture test(conninfo(server.port()));
    Peer patient = test.connect();
    patient.send(startup_of("alice") + message('p', {'x', 0}));
    REQUIRE(test.run_until([&] { return test.thread->sessions.empty(); }));
    CHECK(test.ends.all().empty());

    Peer slow = test.connect();
    const auto began = SteadyClock::now();
    slow.send(startup_of("alice"));
    REQUIRE(test.run_until([&] { return server.visitors() == 2; }));
    test.run_for(300ms);
    slow.send(Bytes{'p', 0});
    CHECK(test.ended().reason == CloseReason::timeout);
    CHECK(seconds_since(began) < 1.6);
}

TEST_CASE("a client that goes while its server is silent is noticed, and gives up its place") {
    ScriptedServer server(nothing);
    ControlFixture test(conninfo(server.port()),
                        [](config::Config& config) { config.authentication_timeout = 60s; });
    {
        Peer client = test.connect();
        client.send(startup_of("alice"));
        REQUIRE(test.run_until([&] { return server.visitors() == 1; }));
        test.run_for(100ms);
    }
    const auto began = SteadyClock::now();
    CHECK(test.ended().reason == CloseReason::client_closed);
    CHECK(seconds_since(began) < 1.5);
}

TEST_CASE("a client that sends Terminate instead of a password has ended it") {
    ScriptedServer server(after_startup([](Peer& peer) {
        peer.send(asks_for_password());
        nothing(peer);
    }));
    ControlFixture test(conninfo(server.port()));
    Peer client = test.connect();
    client.send(startup_of("alice"));
    REQUIRE(test.run_until([&] { return server.visitors() == 1; }));
    test.run_for(100ms);
    client.send(message('X', {}));
    client.reset();
    CHECK(test.ended().reason == CloseReason::client_closed);
}

// --- the server ----------------------------------------------------------------------------------

TEST_CASE("a server that cannot be reached: 57P03") {
    ControlFixture test(conninfo(refusing_port()));
    Peer client = test.connect();
    client.send(startup_of("alice"));
    const relay::Ended ended = test.ended();
    CHECK(ended.reason == CloseReason::upstream_failed);
    CHECK(ended.detail.find("Connection refused") != std::string::npos);
    CHECK(sqlstate_in(client.receive_all()) == "57P03");
}

TEST_CASE("connect_timeout covers a server that accepts and says nothing") {
    ScriptedServer silent(nothing);
    ScriptedServer server(after_startup([](Peer& peer) {
        peer.send(lets_in());
        nothing(peer);
    }));
    const std::string ports = std::to_string(silent.port()) + "," + std::to_string(server.port());
    ControlFixture test("host=127.0.0.1,127.0.0.1 port=" + ports +
                        " sslmode=disable connect_timeout=2");
    Peer client = test.connect();
    const auto began = SteadyClock::now();
    client.send(startup_of("alice"));
    REQUIRE(test.run_until([&] { return test.thread->sessions.empty(); }));
    CHECK(seconds_since(began) > 1.5);
    CHECK(seconds_since(began) < 2.5);
    CHECK(client.receive(lets_in().size()) == lets_in());
}

TEST_CASE("a server that works longer than authentication_timeout is waited for") {
    ScriptedServer server(after_startup([](Peer& peer) {
        std::this_thread::sleep_for(1600ms); // a login trigger
        peer.send(lets_in());
        nothing(peer);
    }));
    ControlFixture test(conninfo(server.port()));
    Peer client = test.connect();
    client.send(startup_of("alice"));
    REQUIRE(test.run_until([&] { return test.thread->sessions.empty(); }));
    CHECK(client.receive(lets_in().size()) == lets_in());
    CHECK(test.ends.all().empty());
}

TEST_CASE("server_login_timeout ends a login that the server does not complete, with 57P03") {
    const std::vector<Bytes> said{{}, message('R', {0, 0, 0, 0})};
    for (const Bytes& bytes : said) {
        ScriptedServer server(after_startup([&](Peer& peer) {
            peer.send(bytes);
            nothing(peer);
        }));
        ControlFixture test(conninfo(server.port()),
                            [](config::Config& config) { config.server_login_timeout = 1s; });
        Peer client = test.connect();
        const auto began = SteadyClock::now();
        client.send(startup_of("alice"));
        const relay::Ended ended = test.ended();
        CHECK(seconds_since(began) > 0.9);
        CHECK(seconds_since(began) < 1.5);
        CHECK(ended.reason == CloseReason::timeout);
        CHECK(ended.detail.find("server_login_timeout expired") == 0);
        CHECK(client.receive(bytes.size()) == bytes);
        CHECK(sqlstate_in(client.receive_all()) == "57P03");
    }
}

TEST_CASE("what the server says when it refuses is in the log and at the client, however long") {
    const Bytes text(60'000, 'x');
    const Bytes refusal = message('E',
                                  bytes_of("SFATAL") + Bytes{0} + bytes_of("VFATAL") + Bytes{0} +
                                      bytes_of("C28000") + Bytes{0} + bytes_of("Mno entry") +
                                      Bytes{0} + bytes_of("D") + text + Bytes{0, 0});
    ScriptedServer server(after_startup([&](Peer& peer) { peer.send(refusal); }));
    ControlFixture test(conninfo(server.port()));
    Peer client = test.connect();
    client.send(startup_of("alice"));
    const relay::Ended ended = test.ended();
    CHECK(ended.reason == CloseReason::login_failed);
    CHECK(ended.detail == "the server refused the login: no entry");
    CHECK(client.receive_all() == refusal);
}

// --- from outside --------------------------------------------------------------------------------

TEST_CASE("a kill before the startup packet closes silently") {
    ControlFixture test(conninfo(refusing_port()));
    Peer client = test.connect();
    test.run_for(50ms);
    kill(test);
    CHECK(test.ended().reason == CloseReason::killed);
    CHECK(client.receive_all().empty());
}

TEST_CASE("a kill while the server is being reached: 57P01, so that libpq does not go on") {
    ScriptedServer silent(nothing);
    ControlFixture test(conninfo(silent.port()));
    Peer client = test.connect();
    client.send(startup_of("alice"));
    REQUIRE(test.run_until([&] { return silent.visitors() == 1; }));
    kill(test);
    CHECK(test.ended().reason == CloseReason::killed);
    CHECK(sqlstate_in(client.receive_all()) == "57P01");
}

TEST_CASE("a kill during the login: 57P01 after what the client has got") {
    ScriptedServer server(after_startup([](Peer& peer) {
        peer.send(asks_for_password());
        nothing(peer);
    }));
    ControlFixture test(conninfo(server.port()));
    Peer client = test.connect();
    client.send(startup_of("alice"));
    REQUIRE(test.run_until([&] { return server.visitors() == 1; }));
    test.run_for(100ms);
    kill(test);
    CHECK(test.ended().reason == CloseReason::killed);
    CHECK(client.receive(asks_for_password().size()) == asks_for_password());
    CHECK(sqlstate_in(client.receive_all()) == "57P01");
}

TEST_CASE("a kill inside a message to the client adds no error to it") {
    ScriptedServer server(after_startup([](Peer& peer) {
        peer.send(message('R', {0, 0, 0, 0}) + Bytes{'N', 0, 0, 1, 0, 'x'});
        nothing(peer);
    }));
    ControlFixture test(conninfo(server.port()));
    Peer client = test.connect();
    client.send(startup_of("alice"));
    REQUIRE(test.run_until([&] { return server.visitors() == 1; }));
    test.run_for(100ms);
    kill(test);
    CHECK(test.ended().reason == CloseReason::killed);
    CHECK(client.receive_all() == message('R', {0, 0, 0, 0}) + Bytes{'N', 0, 0, 1, 0, 'x'});
}

TEST_CASE("sessions that the end of their thread destroys are reported all the same") {
    ScriptedServer silent(nothing);
    ControlFixture test(conninfo(silent.port()));
    Peer first = test.connect();
    Peer second = test.connect();
    second.send(startup_of("alice"));
    REQUIRE(test.run_until([&] { return silent.visitors() == 1; }));
    test.thread.reset();
    CHECK(test.ends.all().size() == 2);
}

// --- cancel requests -----------------------------------------------------------------------------

namespace {

// Keeps the cancel requests that arrive, and lets all other clients in.
struct CancelledServer {
    std::mutex mutex;
    std::vector<Bytes> cancels;
    ScriptedServer server{[this](Peer& peer) {
        const Bytes length = peer.receive(4);
        if (length.size() < 4) return;
        const Bytes rest = peer.receive(protocol::read_uint32(length) - 4);
        if (rest.size() > 4 && rest[0] == 4 && rest[1] == 210) {
            const std::lock_guard lock(mutex);
            cancels.push_back(rest);
            return;
        }
        peer.send(lets_in(77, {1, 2, 3, 4}));
        (void)peer.receive_all();
    }};

    std::size_t count() {
        const std::lock_guard lock(mutex);
        return cancels.size();
    }
};

} // namespace

TEST_CASE("a cancel goes to the server of the session, whatever was loaded since") {
    CancelledServer before;
    CancelledServer after;
    ControlFixture test(conninfo(before.server.port()));
    Peer client = test.connect();
    client.send(startup_of("alice"));
    REQUIRE(test.run_until([&] { return test.thread->sessions.empty(); }));

    auto changed = std::make_shared<runtime::RuntimeConfig>(*test.setup);
    changed->upstreams["default"] =
        ControlFixture::target("default", conninfo(after.server.port()));
    test.setup = changed;
    Peer canceller = test.connect();
    canceller.send(protocol::encode_cancel_request(77, Bytes{1, 2, 3, 4}));
    CHECK(test.ended().detail == "forwarded");
    CHECK(before.count() == 1);
    CHECK(after.count() == 0);
    CHECK(canceller.receive_all().empty());
}

TEST_CASE("a key that is not known goes to what the listener's clients may reach, and no further") {
    CancelledServer own;
    CancelledServer other;
    ControlFixture test(conninfo(own.server.port()));
    auto changed = std::make_shared<runtime::RuntimeConfig>(*test.setup);
    changed->upstreams["other"] = ControlFixture::target("other", conninfo(other.server.port()));
    test.setup = changed;
    Peer canceller = test.connect();
    canceller.send(protocol::encode_cancel_request(1, Bytes{5, 5, 5, 5}));
    CHECK(test.ended().detail == "forwarded, key unknown here");
    CHECK(own.count() == 1);
    CHECK(other.server.visitors() == 0);
}

TEST_CASE("a host that does not answer holds up a cancel for the others by nothing") {
    CancelledServer own;
    ScriptedServer silent(nothing);
    const std::string ports =
        std::to_string(silent.port()) + "," + std::to_string(own.server.port());
    ControlFixture test("host=127.0.0.1,127.0.0.1 port=" + ports + " sslmode=disable");
    Peer canceller = test.connect();
    canceller.send(protocol::encode_cancel_request(1, Bytes{5, 5, 5, 5}));
    const auto began = SteadyClock::now();
    CHECK(test.run_until([&] { return own.count() == 1; }));
    CHECK(seconds_since(began) < 2);
    kill(test); // the shutdown does not wait for the silent server
    CHECK(test.ended().reason == CloseReason::killed);
    CHECK(seconds_since(began) < 3);
}

TEST_CASE("one client's cancel requests do not use up the places of all") {
    ScriptedServer silent(nothing);
    ControlFixture test(conninfo(silent.port()));
    std::vector<Peer> peers;
    for (int i = 0; i < 20; ++i) {
        peers.push_back(test.connect());
        peers.back().send(protocol::encode_cancel_request(1, Bytes{5, 5, 5, 5}));
    }
    REQUIRE(test.run_until([&] { return test.ends.all().size() == 4; }));
    test.run_for(200ms);
    CHECK(test.ends.all().size() == 4);
    for (const auto& ended : test.ends.all())
        CHECK(ended.detail == "not forwarded: too many cancel requests in flight");
}
