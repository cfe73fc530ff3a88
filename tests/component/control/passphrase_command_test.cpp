// ssl_passphrase_command as a process: its output, its failures in PostgreSQL's words, its limit.
#include "proxy/control/passphrase_command.h"
#include "tests/support/catch.h"
#include "tls/context.h"

#include <chrono>
#include <thread>

using namespace pgmoat;
using namespace std::chrono_literals;

namespace {

std::string run(const std::string& command) {
    return control::run_passphrase_command(command, 20s);
}

std::string failure_of(const std::string& command,
                       std::chrono::milliseconds limit,
                       const std::stop_token& stop = {}) {
    try {
        (void)control::run_passphrase_command(command, limit, stop);
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

TEST_CASE("a command that fails is told apart as PostgreSQL does it") {
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

TEST_CASE("a command that nobody waits for any more is ended") {
    std::stop_source stop;
    const std::jthread stopper([&stop] {
        std::this_thread::sleep_for(50ms);
        stop.request_stop();
    });
    CHECK(failure_of("exec sleep 100", 20s, stop.get_token()) ==
          "command \"exec sleep 100\" failed | It was interrupted.");
}
