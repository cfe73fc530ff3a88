// System failures during a session: sockets that cannot be watched, a name service that does not
// answer.
#include "tests/component/session/system_faults.h"
#include "tests/support/control_fixture.h"
#include "tests/support/relay_fixture.h"
#include "tests/support/rule_builders.h"

#include <fcntl.h>

using namespace pgmoat;
using namespace pgmoat::test;
using metrics::CloseReason;
using pgmoat::tests::RuleBuilder;
using pgmoat::tests::rules_of;

namespace {

void use_rules(ControlFixture& test, std::vector<hba::Rule> rules) {
    test.reload([&](runtime::RuntimeConfig& config) {
        config.access.front().rules =
            std::make_shared<const hba::Rules>(rules_of(std::move(rules)));
    });
}

} // namespace

TEST_CASE(
    "a client whose socket cannot be watched is refused and counted, and the next is served") {
    ScriptedServer server(lets_everyone_in());
    ControlFixture test(conninfo_of(server));
    {
        const WithSystemFaults system({.unwatched = 1});
        Peer client = test.connect();
        CHECK(test.ended().reason == CloseReason::accept_error);
        CHECK(client.receive_all().empty());
    }
    Peer next = test.connect();
    next.send(startup_of("alice"));
    REQUIRE(test.run_until([&] { return test.thread->sessions.empty(); }));
    CHECK(next.receive(lets_in().size()) == lets_in());
}

TEST_CASE("a server whose socket cannot be watched is a server that cannot be reached") {
    ScriptedServer server(lets_everyone_in());
    ControlFixture test(conninfo_of(server));
    const WithSystemFaults system({.unwatched = 2});
    Peer client = test.connect();
    client.send(startup_of("alice"));
    CHECK(test.ended().reason == CloseReason::upstream_failed);
    CHECK(sqlstate_in(client.receive_all()) == "57P03");
}

TEST_CASE("a system user is looked up when a rule asks for one, and never on the event loop") {
    ScriptedServer server(lets_everyone_in());
    {
        const WithSystemFaults system;
        ControlFixture test(conninfo_of(server));
        use_rules(test, {RuleBuilder(hba::RecordType::local)});
        Peer client = test.connect_locally();
        client.send(startup_of("alice"));
        REQUIRE(test.run_until([&] { return test.thread->sessions.empty(); }));
        CHECK(client.receive(lets_in().size()) == lets_in());
        CHECK(system.user_lookups() == 0);
    }
    const WithSystemFaults system({.users_are_silent = 700ms});
    ControlFixture test(conninfo_of(server),
                        [](config::Config& config) { config.authentication_timeout = 60s; });
    use_rules(test, {RuleBuilder(hba::RecordType::local).method(hba::Method::peer), RuleBuilder()});
    Peer local = test.connect_locally();
    local.send(startup_of("nobody-of-this-name"));
    REQUIRE(test.run_until([&] { return system.user_lookups() == 1; }));
    Peer other = test.connect();
    other.send(startup_of("alice"));
    const auto began = SteadyClock::now();
    REQUIRE(test.run_until([&] { return test.thread->sessions.size() == 1; }));
    CHECK(SteadyClock::now() - began < 500ms); // no other connection waits
    CHECK(other.receive(lets_in().size()) == lets_in());
    CHECK(test.ended().reason == CloseReason::denied);
    CHECK_FALSE(system.looked_up_here());
}

TEST_CASE("the log distinguishes a client whose time was up while a rule waited for a name") {
    const WithSystemFaults system({.names_are_silent = 3s});
    ScriptedServer server(lets_everyone_in());
    for (const auto mode : {config::TlsMode::terminate, config::TlsMode::passthrough}) {
        ControlFixture test(conninfo_of(server), [&](config::Config& config) {
            config.listeners.front().tls_mode = mode;
        });
        use_rules(test, {RuleBuilder().from_host("client.example.com")});
        Peer client = test.connect();
        client.send(startup_of("alice"));
        const relay::Ended ended = test.ended();
        CHECK(ended.reason == CloseReason::timeout);
        CHECK(ended.detail ==
              "authentication_timeout expired: the access rules wait for an answer");
    }
}

TEST_CASE("what a handshake needed does not live as long as the session") {
    auto [near, far] = unix_pair();
    ::fcntl(far.get(), F_SETFL, O_NONBLOCK);
    asio::io_context context{1};
    io::Stream stream(context);
    REQUIRE(stream.open(std::move(far), AF_UNIX) == 0);
    std::thread client([socket = std::move(near)]() mutable {
        tls::Session session(*Contexts::get().client, "localhost");
        Peer raw(std::move(socket));
        Bytes in;
        Bytes out;
        for (;;) {
            tls::Wire wire{in, false, out};
            const auto status = session.handshake(wire);
            in.assign(wire.in.begin(), wire.in.end());
            raw.send_raw(out);
            out.clear();
            if (status != tls::Status::want_read) break;
            const Bytes more = raw.receive(1);
            if (more.empty()) break;
            in.insert(in.end(), more.begin(), more.end());
        }
        (void)raw.receive_all();
    });
    bool up = false;
    asio::co_spawn(context,
                   stream.start_tls(std::make_unique<tls::Session>(*Contexts::get().server)),
                   [&](std::exception_ptr, const io::Result& io) { up = static_cast<bool>(io); });
    context.run();
    CHECK(up);
    {
        const relay::Leg leg = stream.release();
        CHECK(leg.tls != nullptr);
        CHECK(leg.unread.capacity() == 0);
        CHECK(leg.unsent.capacity() == 0);
    }
    client.join();
}
