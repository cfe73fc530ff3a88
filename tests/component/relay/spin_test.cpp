// relay_spin: whether a relay thread sleeps between messages, according to its state in /proc.
#include "tests/support/relay_fixture.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

using namespace pgmoat;
using namespace pgmoat::test;
using namespace std::chrono_literals;

namespace {

// For the only relay thread.
bool relay_thread_is_asleep() {
    for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
        std::string name;
        std::getline(std::ifstream(task.path() / "comm"), name);
        if (name != "relay-0") continue;
        std::ifstream status(task.path() / "status");
        std::string word;
        while (status >> word)
            if (word == "State:") break;
        status >> word;
        return word == "S";
    }
    FAIL("there is no relay thread");
    return false;
}

void exchange(Ends& ends, int times) {
    for (int i = 0; i < times; ++i) {
        REQUIRE(ends.client.send("select 1"));
        REQUIRE(ends.server.receive_text(8) == "select 1");
        REQUIRE(ends.server.send("answer 1"));
        REQUIRE(ends.client.receive_text(8) == "answer 1");
    }
}

bool falls_asleep() {
    for (int i = 0; i < 1000; ++i) {
        if (relay_thread_is_asleep()) return true;
        std::this_thread::sleep_for(5ms);
    }
    return false;
}

} // namespace

// Longer than relay_spin may be, so that the result does not depend on the machine's load.
constexpr auto long_spin = 2s;

TEST_CASE("A relay thread that spins is awake after messages that came soon, and sleeps later") {
    RelayFixture relay(1, long_spin);
    Ends ends = relay.connect(Mode::plain);
    exchange(ends, 10);
    std::this_thread::sleep_for(20ms);
    CHECK_FALSE(relay_thread_is_asleep());
    CHECK(falls_asleep());
    exchange(ends, 1); // and is woken
}

TEST_CASE("A relay thread that does not spin sleeps after each message") {
    RelayFixture relay(1);
    Ends ends = relay.connect(Mode::plain);
    exchange(ends, 10);
    CHECK(falls_asleep());
}

TEST_CASE("A relay thread that spins relays what comes while it looks, and counts as idle") {
    RelayFixture relay(1, long_spin);
    Ends ends = relay.connect(Mode::plain);
    exchange(ends, 10);
    std::this_thread::sleep_for(1200ms); // measured over a second
    exchange(ends, 10);
    CHECK(relay.plane.threads()[0].measured_share < 0.5);
}
