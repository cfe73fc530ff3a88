// Whichever allocation of the control thread fails: the connection is counted and reported once, the
// thread goes on, and the next client is served (law 10).
#include "metrics/labels.h"
#include "tests/support/allocation_faults.h"
#include "tests/support/control_fixture.h"
#include "tests/support/relay_fixture.h"

using namespace pgmoat;
using namespace pgmoat::test;

namespace {

auto counts_of(ControlFixture& test) {
    return test.counters.sum().listeners.front().counts;
}

// Connections that failed before they had a row are only counted.
std::size_t ended_without_row(ControlFixture& test) {
    const auto counts = counts_of(test);
    std::uint64_t closed = 0;
    for (const auto& of_mode : counts.closed)
        closed += of_mode[static_cast<std::size_t>(metrics::CloseReason::internal)];
    return closed;
}

std::uint64_t opened(ControlFixture& test) {
    std::uint64_t all = 0;
    for (const auto& of_mode : counts_of(test).opened)
        all += of_mode;
    return all;
}

// Runs as the server does: an exception that leaves a handler is reported, and the thread goes on.
void run_while(ControlFixture& test, const std::function<bool()>& holds) {
    const auto give_up = SteadyClock::now() + 20s;
    while (holds() && SteadyClock::now() < give_up) {
        try {
            if (test.thread->context.stopped()) test.thread->context.restart();
            test.thread->context.run_one_for(5ms);
        } catch (const std::bad_alloc&) {
        }
    }
}

// One connection with the `which`-th allocation failing; false: there are fewer allocations.
bool survives(ControlFixture& test, std::uint64_t which, const Bytes& sent) {
    INFO("allocation " << which);
    bool made = false;
    {
        auto [near, far] = tcp_pair();
        Peer client(std::move(near));
        client.send(sent);
        session::Accepted accepted = test.accepted(std::move(far));
        const std::function<bool()> goes_on = [&test] { return !test.thread->sessions.empty(); };
        const WithAllocationFault fault(which);
        session::start_session(*test.thread, std::move(accepted));
        run_while(test, goes_on);
        made = fault.made();
    }
    // The client has gone, so a session that was handed over ends, too.
    REQUIRE(test.run_until([&] { return test.ends.count() + ended_without_row(test) == 1; }));
    CHECK(opened(test) == 1);

    Peer next = test.connect();
    next.send(startup_of("alice"));
    REQUIRE(test.run_until([&] { return test.thread->sessions.empty(); }));
    CHECK(next.receive(lets_in().size()) == lets_in());
    return made;
}

} // namespace

TEST_CASE("whichever allocation fails on the way in, one connection ends and is reported once") {
    ScriptedServer server(lets_everyone_in());
    std::uint64_t which = 1;
    for (;; ++which) {
        ControlFixture test(conninfo_of(server));
        if (!survives(test, which, startup_of("alice"))) break;
    }
    CHECK(which > 50); // otherwise nothing was tested
}

TEST_CASE("the same for a client that is refused, and for one whose server cannot be reached") {
    ScriptedServer server(lets_everyone_in());
    const Bytes wrong = packet_of({0, 9, 0, 0, 0});
    for (std::uint64_t which = 1;; ++which) {
        ControlFixture test(conninfo_of(server));
        if (!survives(test, which, wrong)) break;
    }
}

TEST_CASE("a channel that there is no memory to take is closed and reported at once") {
    for (std::uint64_t which = 1;; ++which) {
        INFO("allocation " << which);
        RelayFixture relay;
        Prepared prepared = prepare(Mode::plain);
        bool made = false;
        {
            const WithAllocationFault fault(which);
            relay.plane.adopt(std::move(prepared.channel));
            made = fault.made();
        }
        if (!made) break;
        CHECK(relay.outcome().reason == metrics::CloseReason::internal);
        CHECK(relay.ended.count() == 1);
        CHECK(prepared.ends.client.receive_all().empty());
        CHECK(prepared.ends.server.receive_all().empty());
    }
}

TEST_CASE("an action of a deadline that throws keeps no other deadline from passing") {
    asio::io_context context{1};
    io::DeadlineQueue deadlines(context);
    int passed = 0;
    const io::Deadline first(deadlines, 1ms, [] { throw std::bad_alloc(); });
    const io::Deadline beside(deadlines, 1ms, [&] { ++passed; });
    const io::Deadline later(deadlines, 200ms, [&] { ++passed; });
    int thrown = 0;
    const auto give_up = SteadyClock::now() + 5s;
    while (passed < 2 && SteadyClock::now() < give_up) {
        try {
            context.run_one_for(5ms);
        } catch (const std::bad_alloc&) {
            ++thrown;
        }
    }
    CHECK(passed == 2);
    CHECK(thrown == 1); // would be logged
}
