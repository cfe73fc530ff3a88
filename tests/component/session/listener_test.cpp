// A listener: the connections it accepts, how it waits while the system is out of descriptors, how
// it stops.
#include "proxy/session/accept.h"
#include "proxy/session/limits.h"
#include "tests/component/session/system_faults.h"
#include "tests/support/allocation_faults.h"
#include "tests/support/control_fixture.h"

#include <boost/asio/steady_timer.hpp>

using namespace pgmoat;
using namespace pgmoat::test;
using metrics::CloseReason;

namespace {

struct ListenerFixture {
    explicit ListenerFixture(
        std::function<void(config::Config&)> change = [](config::Config&) {},
        std::size_t thread_count = 1)
        : base("host=127.0.0.1 port=" + std::to_string(refusing_port()) + " sslmode=disable",
               std::move(change)) {
        for (std::size_t i = 0; i < thread_count; ++i)
            threads.push_back(std::make_unique<runtime::ControlThread>(base.services, base.setup));
        session::ListeningSocket listening;
        listening.socket =
            Descriptor(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        listening.family = AF_INET;
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof address;
        auto* generic = reinterpret_cast<sockaddr*>(&address);
        REQUIRE(::bind(listening.socket.get(), generic, size) == 0);
        REQUIRE(::listen(listening.socket.get(), 128) == 0);
        REQUIRE(::getsockname(listening.socket.get(), generic, &size) == 0);
        listener = std::make_unique<session::Listener>(
            threads, std::move(listening), metrics::ListenerId{});
        listener->start();
    }
    ~ListenerFixture() {
        listener.reset();
        threads.clear();
    }

    [[nodiscard]] Descriptor connect_socket() const {
        Descriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        const auto* generic = reinterpret_cast<const sockaddr*>(&address);
        if (::connect(socket.get(), generic, sizeof address) != 0) socket.reset();
        return socket;
    }
    [[nodiscard]] Peer connect() const { return Peer(connect_socket()); }

    // Runs threads as the server does.
    bool run_until(const std::function<bool()>& holds, SteadyClock::duration patience = 20s) {
        const auto give_up = SteadyClock::now() + patience;
        while (!holds() && SteadyClock::now() < give_up)
            for (auto& thread : threads) {
                try {
                    if (thread->context.stopped()) thread->context.restart();
                    thread->context.run_one_for(1ms);
                } catch (const std::bad_alloc&) {
                }
            }
        return holds();
    }
    void run_for(SteadyClock::duration time) {
        (void)run_until([] { return false; }, time);
    }
    [[nodiscard]] std::size_t sessions() const {
        std::size_t count = 0;
        for (const auto& thread : threads)
            count += thread->sessions.size();
        return count;
    }
    [[nodiscard]] std::uint64_t opened() const {
        return base.counters.sum().listeners.front().counts.opened.front();
    }
    [[nodiscard]] std::uint64_t accepts_failed() const {
        const auto process = base.counters.sum().process;
        std::uint64_t all = 0;
        for (const auto& one : process.accept_errors)
            all += one;
        return all;
    }

    ControlFixture base;
    std::vector<std::unique_ptr<runtime::ControlThread>> threads;
    sockaddr_in address{};
    std::unique_ptr<session::Listener> listener;
};

int option_of(int socket, int level, int option) {
    int value = -1;
    socklen_t size = sizeof value;
    (void)::getsockopt(socket, level, option, &value, &size);
    return value;
}

} // namespace

TEST_CASE("what is accepted is spread over the threads") {
    ListenerFixture test([](config::Config&) {}, 3);
    std::vector<Peer> clients;
    for (int i = 0; i < 9; ++i)
        clients.push_back(test.connect());
    REQUIRE(test.run_until([&] { return test.sessions() == 9; }));
    for (const auto& thread : test.threads)
        CHECK(thread->sessions.size() == 3);
}

TEST_CASE("accepted sockets have the TCP settings of the configuration, also of a later one") {
    const WithSystemFaults system;
    const int keepalive_of_system =
        option_of(Descriptor(::socket(AF_INET, SOCK_STREAM, 0)).get(), IPPROTO_TCP, TCP_KEEPIDLE);
    ListenerFixture test([](config::Config& config) {
        config.tcp_keepalives_idle = 77;
        config.tcp_keepalives_interval = 7;
        config.tcp_keepalives_count = 5;
        config.tcp_user_timeout_ms = 7000;
    });
    const Peer first = test.connect();
    REQUIRE(test.run_until([&] { return test.sessions() == 1; }));
    const int accepted = system.last_accepted();
    CHECK(option_of(accepted, IPPROTO_TCP, TCP_NODELAY) == 1);
    CHECK(option_of(accepted, SOL_SOCKET, SO_KEEPALIVE) == 1);
    CHECK(option_of(accepted, IPPROTO_TCP, TCP_KEEPIDLE) == 77);
    CHECK(option_of(accepted, IPPROTO_TCP, TCP_KEEPINTVL) == 7);
    CHECK(option_of(accepted, IPPROTO_TCP, TCP_KEEPCNT) == 5);
    CHECK(option_of(accepted, IPPROTO_TCP, TCP_USER_TIMEOUT) == 7000);

    config::Config changed = test.base.setup->config;
    changed.tcp_keepalives_idle = 0;
    changed.tcp_user_timeout_ms = 0;
    changed.tcp_keepalives_count = 6;
    test.listener->use(changed);
    const Peer second = test.connect();
    REQUIRE(test.run_until([&] { return test.sessions() == 2; }));
    CHECK(option_of(system.last_accepted(), IPPROTO_TCP, TCP_KEEPIDLE) == keepalive_of_system);
    CHECK(option_of(system.last_accepted(), IPPROTO_TCP, TCP_KEEPCNT) == 6);
    CHECK(option_of(system.last_accepted(), IPPROTO_TCP, TCP_USER_TIMEOUT) == 0);
}

TEST_CASE("out of descriptors: it waits longer each time, counts, and takes up again") {
    WithSystemFaults system({.accept_error = EMFILE});
    ListenerFixture test;
    Peer client = test.connect();
    test.run_for(400ms); // pauses of 5, 10, 20, 40, 80, 160, 320 ms
    CHECK(system.accepts() >= 4);
    CHECK(system.accepts() <= 8);
    CHECK(test.accepts_failed() == system.accepts());
    CHECK(test.sessions() == 0);

    system.change({});
    const auto began = SteadyClock::now();
    REQUIRE(test.run_until([&] { return test.sessions() == 1; }));
    CHECK(SteadyClock::now() - began < session::accept_pause_max + 500ms);
    Peer next = test.connect();
    REQUIRE(test.run_until([&] { return test.sessions() == 2; }));

    // The next shortage begins with a short pause again.
    const std::size_t before = system.accepts();
    system.change({.accept_error = ENFILE, .accepts_failing = 2});
    Peer third = test.connect();
    REQUIRE(test.run_until([&] { return test.sessions() == 3; }, 500ms));
    CHECK(system.accepts() >= before + 3);
}

TEST_CASE("a client that has gone before it was accepted holds nothing up") {
    WithSystemFaults system({.accept_error = ECONNABORTED, .accepts_failing = 1});
    ListenerFixture test;
    Peer client = test.connect();
    REQUIRE(test.run_until([&] { return test.sessions() == 1; }, 500ms));
    CHECK(test.accepts_failed() == 0);
}

TEST_CASE("a drain in a pause: nothing more is accepted") {
    WithSystemFaults system({.accept_error = EMFILE});
    ListenerFixture test;
    const Peer client = test.connect();
    REQUIRE(test.run_until([&] { return system.accepts() == 1; }));
    // Both timers expire before the loop checks: first the drain, then the pause, whose handler can
    // no longer be cancelled.
    asio::steady_timer drain(test.threads[0]->context, 1ms);
    drain.async_wait([&](const error_code&) { test.listener.reset(); });
    std::this_thread::sleep_for(session::accept_pause_max / 10);
    const std::size_t before = system.accepts();
    test.run_for(100ms);
    CHECK(test.listener == nullptr);
    CHECK(system.accepts() == before);
}

TEST_CASE("a drain between connections: the socket is closed, who is in stays") {
    ListenerFixture test;
    Peer client = test.connect();
    REQUIRE(test.run_until([&] { return test.sessions() == 1; }));
    test.listener.reset();
    CHECK_FALSE(test.connect_socket());
    test.run_for(50ms);
    CHECK(test.sessions() == 1);
}

TEST_CASE("beyond the bound of those that have shown nothing: turned away, counted, reported") {
    ListenerFixture test([](config::Config& config) { config.max_connections = 1; });
    constexpr std::size_t bound = 1 * session::unadmitted_factor + session::unadmitted_extra;
    std::vector<Peer> clients;
    for (std::size_t i = 0; i < bound + 2; ++i)
        clients.push_back(test.connect());
    REQUIRE(test.run_until([&] { return test.base.ends.count() == 2; }));
    CHECK(test.sessions() == bound);
    for (const auto& ended : test.base.ends.all())
        CHECK(ended.reason == CloseReason::too_many_connections);
    CHECK(clients.back().receive_all().empty());
}

TEST_CASE("whichever allocation fails while it accepts, the next client is accepted") {
    for (const std::size_t thread_count : {1U, 2U})
        for (std::uint64_t which = 1;; ++which) {
            INFO(thread_count << " threads, allocation " << which);
            ListenerFixture test([](config::Config&) {}, thread_count);
            if (thread_count == 2) { // it is the other thread's turn
                const Peer other = test.connect();
                REQUIRE(test.run_until([&] { return test.sessions() == 1; }));
            }
            bool made = false;
            {
                Peer client = test.connect();
                const std::function<bool()> never = [] { return false; };
                const WithAllocationFault fault(which);
                (void)test.run_until(never, 3ms);
                made = fault.made();
            }
            const std::uint64_t before = test.opened();
            for (std::size_t i = 0; i < thread_count; ++i) {
                Peer next = test.connect();
                // More if the client of the fault was accepted late.
                REQUIRE(test.run_until([&] { return test.opened() >= before + i + 1; }, 5s));
            }
            if (!made) break;
        }
}
