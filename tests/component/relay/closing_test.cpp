// Closing one channel by its id: it ends with the given reason and text, its peers see the end, and
// no other channel is affected.
#include "tests/support/relay_fixture.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace pgmoat;
using namespace pgmoat::test;
using metrics::CloseReason;

namespace {

const relay::Ended killed{CloseReason::killed, "ended by console user \"root\""};

Ends connect_as(RelayFixture& relay, std::uint64_t id, Mode mode) {
    Prepared prepared = prepare(mode);
    prepared.channel->id = id;
    return relay.adopt(std::move(prepared));
}

bool relays(Ends& ends) {
    return ends.client.send("select 1") && ends.server.receive_text(8) == "select 1";
}

} // namespace

TEST_CASE("A channel that is closed from outside ends as its killer says, in every mode") {
    for (const Mode mode : every_mode) {
        INFO(name_of(mode));
        RelayFixture relay;
        Ends ends = connect_as(relay, 7, mode);
        REQUIRE(relays(ends));
        relay.plane.close(7, killed);
        const Outcome outcome = relay.outcome();
        REQUIRE(outcome.reason == CloseReason::killed);
        REQUIRE(outcome.detail == killed.detail);
        REQUIRE(outcome.bytes_from_client >= 8);
        ends.client.receive_all();
        ends.server.receive_all();
    }
}

TEST_CASE("A TLS client of a closed channel gets close_notify") {
    RelayFixture relay;
    Ends ends = connect_as(relay, 7, Mode::tls_to_client);
    relay.plane.close(7, killed);
    ends.client.receive_all();
    REQUIRE(ends.client.ended_by() == "close_notify");
}

TEST_CASE("Only the channels that are named are closed, on whichever thread they are") {
    RelayFixture relay(3);
    const std::size_t count = 200; // more than one thread takes in a burst
    std::vector<Ends> connections;
    for (std::size_t i = 0; i < count; ++i)
        connections.push_back(connect_as(relay, i, Mode::plain));
    for (std::size_t i = 0; i < count; i += 2)
        relay.plane.close(i, killed);
    REQUIRE(relay.ended.wait_for(count / 2).size() == count / 2);
    for (std::size_t i = 1; i < count; i += 2)
        REQUIRE(relays(connections[i]));
    REQUIRE(relay.ended.count() == count / 2);
}

TEST_CASE("A channel that was adopted a moment ago is found") {
    RelayFixture relay;
    for (std::uint64_t id = 1; id <= 50; ++id) {
        Ends ends = connect_as(relay, id, Mode::plain);
        relay.plane.close(id, killed);
        REQUIRE(relay.ended.wait_for(id).size() == id);
    }
}

TEST_CASE("The first of two who close a channel gives the reason") {
    RelayFixture relay;
    Ends ends = connect_as(relay, 7, Mode::plain);
    relay.plane.close(7, killed);
    relay.plane.close(7, {CloseReason::killed, "no longer permitted by the access rules"});
    REQUIRE(relay.outcome().detail == killed.detail);
}

TEST_CASE("Closing a channel that does not exist changes nothing") {
    RelayFixture relay;
    Ends ends = connect_as(relay, 7, Mode::plain);
    relay.plane.close(8, killed);
    REQUIRE(relays(ends));
    REQUIRE(relay.ended.count() == 0);
}

namespace {

// A child process that has copies of all descriptors, as between fork() and exec().
class Child {
  public:
    Child() : pid_(::fork()) {
        if (pid_ == 0)
            for (;;)
                ::pause();
    }
    ~Child() {
        ::kill(pid_, SIGKILL);
        ::waitpid(pid_, nullptr, 0);
    }
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;

  private:
    pid_t pid_;
};

} // namespace

// Regression: the kernel still reports events of a socket that we have closed while a child has a
// copy.
TEST_CASE("A channel that is closed while a child process has its sockets has no more events") {
    for (const Mode mode : every_mode) {
        INFO(name_of(mode));
        RelayFixture relay;
        Ends ends = connect_as(relay, 7, mode);
        Ends other = connect_as(relay, 8, mode);
        REQUIRE(relays(ends));
        const Child child;
        relay.plane.close(7, killed);
        REQUIRE(relay.outcome().reason == CloseReason::killed);
        for (int i = 0; i < 20; ++i) {
            (void)ends.client.send("to a channel that is gone");
            (void)ends.server.send("the same");
            REQUIRE(relays(other));
        }
    }
}
