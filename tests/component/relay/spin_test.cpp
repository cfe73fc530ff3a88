// relay_spin: whether a relay thread sleeps between messages, seen in its voluntary context switches.
#include "tests/support/relay_fixture.h"

#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

using namespace pgmoat;
using namespace pgmoat::test;
using namespace std::chrono_literals;

namespace {

struct RelayThread {
    std::filesystem::path folder;

    RelayThread() {
        for (const auto& task : std::filesystem::directory_iterator("/proc/self/task")) {
            std::string name;
            std::getline(std::ifstream(task.path() / "comm"), name);
            if (name == "relay-0") folder = task.path();
        }
        REQUIRE(!folder.empty());
    }

    [[nodiscard]] long sleeps() const { return field("voluntary_ctxt_switches:"); }
    [[nodiscard]] bool is_asleep() const {
        std::ifstream status(folder / "status");
        std::string word;
        while (status >> word)
            if (word == "State:") break;
        status >> word;
        return word == "S";
    }

  private:
    [[nodiscard]] long field(const std::string& name) const {
        std::ifstream status(folder / "status");
        std::string word;
        long value = -1;
        while (status >> word)
            if (word == name) status >> value;
        return value;
    }
};

void exchange(Ends& ends, int times) {
    for (int i = 0; i < times; ++i) {
        REQUIRE(ends.client.send("select 1"));
        REQUIRE(ends.server.receive_text(8) == "select 1");
        REQUIRE(ends.server.send("answer 1"));
        REQUIRE(ends.client.receive_text(8) == "answer 1");
    }
}

long sleeps_of_exchanges(std::chrono::microseconds spin, int times) {
    RelayFixture relay(1, spin);
    Ends ends = relay.connect(Mode::plain);
    exchange(ends, 1);
    const RelayThread thread;
    const long before = thread.sleeps();
    exchange(ends, times);
    return thread.sleeps() - before;
}

} // namespace

TEST_CASE("A relay thread that spins does not sleep between messages that come soon") {
    const int times = 200;
    CHECK(sleeps_of_exchanges(0us, times) >= times);
    CHECK(sleeps_of_exchanges(10ms, times) < times / 2);
}

TEST_CASE("A relay thread that spins sleeps when nothing comes") {
    RelayFixture relay(1, 10ms);
    Ends ends = relay.connect(Mode::plain);
    exchange(ends, 10);
    const RelayThread thread;
    std::this_thread::sleep_for(100ms);
    const long before = thread.sleeps();
    for (int i = 0; i < 20; ++i) {
        CHECK(thread.is_asleep());
        std::this_thread::sleep_for(5ms);
    }
    CHECK(thread.sleeps() == before);
    exchange(ends, 1); // and is woken
}
