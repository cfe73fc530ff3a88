// Lines to a pipe whose reader is slow, has gone, or does not read.
#include "proxy/telemetry/stderr_sink.h"
#include "tests/support/catch.h"

#include <spdlog/details/log_msg.h>

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <string>
#include <thread>

using namespace pgmoat::telemetry;
using namespace std::chrono_literals;

namespace {

struct Pipe {
    Pipe() { REQUIRE(::pipe2(ends.data(), O_CLOEXEC) == 0); }
    ~Pipe() {
        ::close(ends[0]);
        ::close(ends[1]);
    }
    std::array<int, 2> ends{};
};

void say(StderrSink& sink, const std::string& line) {
    sink.log(spdlog::details::log_msg("pgmoat", spdlog::level::info, line));
}

} // namespace

TEST_CASE("A line is written whole, however long") {
    Pipe pipe;
    StderrSink sink(pipe.ends[1]);
    sink.set_pattern("%v");
    const std::string line(20'000, 'x');
    say(sink, line);
    std::string read(line.size() + 1, '\0');
    REQUIRE(::read(pipe.ends[0], read.data(), read.size()) == static_cast<ssize_t>(read.size()));
    CHECK(read == line + '\n');
    CHECK(sink.lost() == 0);
}

TEST_CASE("Without a reader the log still ends in time, and counts lost lines") {
    Pipe pipe;
    StderrSink sink(pipe.ends[1]);
    std::thread writer([&] {
        for (int i = 0; i < 100; ++i)
            say(sink, std::string(4000, 'x'));
    });
    std::this_thread::sleep_for(50ms);
    const auto begun = StderrSink::Clock::now();
    sink.end_by(begun + 100ms);
    writer.join();
    CHECK(StderrSink::Clock::now() - begun < 10s);
    CHECK(sink.lost() > 50);
}

TEST_CASE("A full disk loses lines and says so") {
    const int full = ::open("/dev/full", O_WRONLY | O_CLOEXEC);
    REQUIRE(full >= 0);
    StderrSink sink(full);
    say(sink, "lost");
    CHECK(sink.lost() == 1);
    ::close(full);
}
