// A log file on a disk that is temporarily full.
#include "proxy/telemetry/file_sink.h"
#include "proxy/telemetry/stderr_sink.h"
#include "tests/support/catch.h"

#include <spdlog/details/log_msg.h>

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <iterator>
#include <string>

using namespace pgmoat::telemetry;

namespace {

struct TemporaryFile {
    TemporaryFile() : descriptor(::mkstemp(name.data())) { REQUIRE(descriptor >= 0); }
    ~TemporaryFile() {
        ::close(descriptor);
        ::unlink(name.c_str());
    }
    std::string text() const {
        std::ifstream file(name);
        return {std::istreambuf_iterator<char>(file), {}};
    }
    std::string name = "/tmp/pgmoat-log-XXXXXX";
    int descriptor;
};

// While this lives, no file can grow beyond a limit: a write beyond it is partial, and the next one
// fails.
class FullDisk {
  public:
    explicit FullDisk(rlim_t bytes) {
        ::signal(SIGXFSZ, SIG_IGN);
        REQUIRE(::getrlimit(RLIMIT_FSIZE, &before_) == 0);
        const rlimit now{bytes, before_.rlim_max};
        REQUIRE(::setrlimit(RLIMIT_FSIZE, &now) == 0);
    }
    ~FullDisk() {
        ::setrlimit(RLIMIT_FSIZE, &before_);
        ::signal(SIGXFSZ, SIG_DFL);
    }

  private:
    rlimit before_{};
};

template <class Sink>
void say(Sink& sink, const std::string& line) {
    sink.log(spdlog::details::log_msg("pgmoat", spdlog::level::info, line));
}

template <class Sink>
void fill_the_disk_and_go_on(Sink& sink) {
    sink.set_pattern("%v");
    say(sink, "first");
    {
        const FullDisk full(10); // bytes
        say(sink, "second");
        say(sink, "third");
    }
    say(sink, "fourth");
    say(sink, "fifth");
    CHECK(sink.lost() == 2);
}

constexpr const char* what_is_left = "first\nseco\nfourth\nfifth\n";

} // namespace

TEST_CASE("A line that a full disk cut off ends before the next one begins") {
    const TemporaryFile file;
    FileSink sink(file.name);
    fill_the_disk_and_go_on(sink);
    CHECK(file.text() == what_is_left);
}

TEST_CASE("The same where the standard error output is a file") {
    const TemporaryFile file;
    StderrSink sink(file.descriptor);
    fill_the_disk_and_go_on(sink);
    CHECK(file.text() == what_is_left);
}
