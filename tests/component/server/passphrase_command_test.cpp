// ssl_passphrase_command as a process: its output, its errors in PostgreSQL's words, its time
// limit.
#include "proxy/server/passphrase_command.h"
#include "tests/support/catch.h"
#include "tests/support/tls_pair.h"
#include "tls/context.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <thread>

using namespace pgmoat;
using namespace std::chrono_literals;

namespace {

std::string run(const std::string& command) {
    return server::run_passphrase_command(command, 20s);
}

std::string failure_of(const std::string& command,
                       std::chrono::milliseconds limit,
                       const std::stop_token& stop = {}) {
    try {
        (void)server::run_passphrase_command(command, limit, stop);
    } catch (const tls::Error& error) {
        return std::string(error.what()) + " | " + error.detail;
    }
    return "succeeded";
}

} // namespace

TEST_CASE("the first line of the output is the passphrase") {
    CHECK(run("echo secret") == "secret\n");
    CHECK(run("printf 'no end'") == "no end");
    CHECK(run("printf 'first\\nsecond\\n'") == "first\n");
    CHECK(run("true").empty());
    CHECK(run("echo '%p' | tr p x") == "%x\n");
}

TEST_CASE("failed commands are distinguished as in PostgreSQL") {
    CHECK(failure_of("exit 3", 20s) ==
          "command \"exit 3\" failed | child process exited with exit code 3");
    CHECK(failure_of("echo secret; exit 1", 20s) ==
          "command \"echo secret; exit 1\" failed | child process exited with exit code 1");
    CHECK(failure_of("/nonexistent/x 2>&-", 20s) ==
          "command \"/nonexistent/x 2>&-\" failed | command not found");
    CHECK(failure_of("kill -9 $$", 20s) == "command \"kill -9 $$\" failed | child process was "
                                           "terminated by signal 9: Killed");
}

TEST_CASE("a command that takes too long is ended, silent or not") {
    for (const std::string command : {"exec sleep 100", "echo secret; exec sleep 100"}) {
        const auto start = std::chrono::steady_clock::now();
        CHECK(failure_of(command, 50ms) ==
              "command \"" + command + "\" failed | It took too long.");
        CHECK(std::chrono::steady_clock::now() - start < 20s);
    }
}

TEST_CASE("a command whose answer is no longer wanted is ended") {
    std::stop_source stop;
    const std::jthread stopper([&stop] {
        std::this_thread::sleep_for(50ms);
        stop.request_stop();
    });
    CHECK(failure_of("exec sleep 100", 20s, stop.get_token()) ==
          "command \"exec sleep 100\" failed | It was interrupted.");
}

TEST_CASE("a command inherits no socket, even one that would be inherited") {
    const int leaking = ::socket(AF_INET, SOCK_STREAM, 0);
    REQUIRE(leaking > STDERR_FILENO);
    CHECK(run("test -e /proc/self/fd/" + std::to_string(leaking) +
              " && echo open || echo closed") == "closed\n");
    CHECK(::close(leaking) == 0);
}

TEST_CASE("what a command has started is ended with it") {
    if (const int terminal = ::open("/dev/tty", O_RDWR | O_CLOEXEC); terminal >= 0) {
        CHECK(::close(terminal) ==
              0); // with a terminal it stays in our process group, and only the shell is killed
        return;
    }
    const test::TemporaryFolder folder;
    const std::string file = folder.file("pid");
    (void)failure_of("sleep 100 & echo $! > " + file + "; wait; echo", 500ms);
    pid_t sleeper = 0;
    std::ifstream(file) >> sleeper;
    REQUIRE(sleeper > 0);
    // It is gone once it was reaped; until then it is a zombie. The signal takes a moment.
    const std::string look = "cut -d' ' -f3 /proc/" + std::to_string(sleeper) + "/stat 2>&1";
    const auto is_over = [&look] {
        const std::string state = run(look);
        return state == "Z\n" || state.find("No such") != std::string::npos;
    };
    bool over = is_over();
    for (int i = 0; i < 100 && !over; ++i) {
        std::this_thread::sleep_for(50ms);
        over = is_over();
    }
    CHECK(over);
}
