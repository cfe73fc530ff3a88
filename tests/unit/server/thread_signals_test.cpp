// start_thread: which signals a new thread can get.
#include "proxy/thread_signals.h"
#include "tests/support/catch.h"

#include <thread>

using namespace pgmoat;

namespace {

bool is_blocked(int signal) {
    sigset_t set;
    return pthread_sigmask(SIG_BLOCK, nullptr, &set) == 0 && sigismember(&set, signal) == 1;
}

} // namespace

TEST_CASE("a thread begins with all signals blocked, and its starter keeps its own") {
    sigset_t before;
    sigset_t own;
    sigemptyset(&own);
    sigaddset(&own, SIGHUP);
    REQUIRE(pthread_sigmask(SIG_SETMASK, &own, &before) == 0);
    int unblocked = 0;
    start_thread<std::thread>([&] {
        for (const int signal : {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGPIPE, SIGCHLD})
            if (!is_blocked(signal)) ++unblocked;
    }).join();
    CHECK(unblocked == 0);
    CHECK(is_blocked(SIGHUP));
    CHECK_FALSE(is_blocked(SIGTERM));
    REQUIRE(pthread_sigmask(SIG_SETMASK, &before, nullptr) == 0);
}
