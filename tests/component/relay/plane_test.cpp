// Many channels, few threads: packing, and what a thread reports about itself.
#include "proxy/relay/limits.h"
#include "proxy/relay/load_meter.h"
#include "tests/support/relay_fixture.h"

#include <sys/resource.h>

#include <thread>

using namespace pgmoat;
using namespace pgmoat::test;
using relay::LoadMeter;

TEST_CASE("A thousand channels on one thread all relay") {
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    const std::size_t count = 1000;

    RelayFixture relay;
    std::vector<Ends> connections;
    for (std::size_t i = 0; i < count; ++i)
        connections.push_back(relay.adopt(prepare(Mode::plain, unix_pair)));
    REQUIRE(relay.plane.threads()[0].channels == count);
    for (int round = 0; round < 3; ++round) {
        for (Ends& ends : connections)
            REQUIRE(ends.client.send("select 1"));
        for (Ends& ends : connections)
            REQUIRE(ends.server.receive_text(8) == "select 1");
    }
    for (Ends& ends : connections)
        ends.client.close();
    for (Ends& ends : connections)
        ends.server.close();
    REQUIRE(relay.ended.wait_for(count).size() == count);
    REQUIRE(relay.plane.threads()[0].channels == 0);
}

TEST_CASE("Channels are packed on the first thread while it has room") {
    RelayFixture relay(4);
    std::vector<Ends> connections;
    for (int i = 0; i < 16; ++i)
        connections.push_back(relay.connect(Mode::plain));
    const auto threads = relay.plane.threads();
    REQUIRE(threads.size() == 4);
    REQUIRE(threads[0].channels == 16);
}

TEST_CASE("A burst of channels that nobody has measured yet is spread over the threads") {
    RelayFixture relay(2);
    std::vector<Ends> connections;
    for (int i = 0; i < 200; ++i)
        connections.push_back(relay.adopt(prepare(Mode::plain, unix_pair)));
    const auto threads = relay.plane.threads();
    REQUIRE(threads[0].channels + threads[1].channels == 200);
    REQUIRE(threads[0].channels >= 64);
    REQUIRE(threads[1].channels > 0);
}

TEST_CASE("The meter tells the share of the last second that was not spent waiting") {
    const LoadMeter::Time start{std::chrono::hours(1)};
    LoadMeter meter(start);
    auto now = start;
    for (int i = 0; i < 10; ++i) {
        meter.waits(now);
        now += std::chrono::milliseconds(75);
        meter.wakes(now);
        now += std::chrono::milliseconds(25);
    }
    meter.waits(now);
    meter.wakes(now);
    REQUIRE(meter.expected_share(now) == Approx(0.25));

    SECTION("a thread that sleeps for long is not busy, whatever it was before") {
        REQUIRE(meter.expected_share(now + std::chrono::minutes(1)) == Approx(0));
    }
    SECTION("channels that came since add what they are assumed to cost") {
        meter.expect_channel();
        meter.expect_channel();
        REQUIRE(meter.expected_share(now) == Approx(0.25 + 2 * relay::limits::unmeasured_share));
    }
}

TEST_CASE("Bulk without TLS of ours is spliced, and the pipes come back") {
    for (const Mode mode : {Mode::plain, Mode::passed_through}) {
        INFO(name_of(mode));
        RelayFixture relay;
        Ends ends = relay.connect(mode);
        const Bytes result = pattern(1, 30'000'000);
        std::thread server([&] {
            ends.server.send(result);
            ends.server.finish();
        });
        const Bytes got = ends.client.receive_all();
        server.join();
        REQUIRE(same(got, result));
        const auto thread = relay.plane.threads()[0];
        REQUIRE(thread.spliced_bytes > result.size() / 2);
        REQUIRE(thread.pipes_in_use == 0);
        ends.client.finish();
        REQUIRE(relay.outcome().bytes_from_server >= result.size());
    }
}

TEST_CASE("Small messages and TLS are never spliced") {
    for (const Mode mode : every_mode) {
        INFO(name_of(mode));
        RelayFixture relay;
        Ends ends = relay.connect(mode);
        const bool clear = mode == Mode::plain || mode == Mode::passed_through;
        const std::string text(clear ? 1000 : 100'000, 'x');
        for (int i = 0; i < 50; ++i) {
            std::thread sender([&] { ends.client.send(text); });
            const std::string got = ends.server.receive_text(text.size());
            sender.join();
            REQUIRE((got == text));
        }
        REQUIRE(relay.plane.threads()[0].spliced_bytes == 0);
    }
}

TEST_CASE("A spliced stream that stalls and is cut gives its pipe back") {
    RelayFixture relay;
    Ends ends = relay.connect(Mode::plain);
    const Bytes result = pattern(1, 40'000'000);
    std::thread server([&] { ends.server.send(result); });
    REQUIRE(ends.client.receive(10'000'000).size() == 10'000'000);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    ends.client.reset();
    server.join();
    REQUIRE(relay.outcome().reason == metrics::CloseReason::client_io_error);
    REQUIRE(relay.plane.threads()[0].pipes_in_use == 0);
}
