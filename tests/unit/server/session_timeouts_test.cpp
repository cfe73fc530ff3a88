// SessionTimeouts: which sessions idle_session_timeout and max_session_lifetime end, and when.
#include "proxy/server/session_timeouts.h"
#include "tests/support/catch.h"

#include <set>

using namespace pgmoat;
using namespace std::chrono_literals;
using server::SessionTimeouts;
using Ids = SessionTimeouts::Ids;

namespace {

const SessionTimeouts::Time start{1000h};

struct Seen {
    std::uint64_t id = 1;
    SessionTimeouts::Time opened = start;
    std::uint64_t bytes = 0;
    telemetry::SessionFacts facts = {};

    Seen() { facts.stage = telemetry::SessionStage::live; }
};

telemetry::SeenSessions table(const std::vector<Seen>& sessions) {
    telemetry::SeenSessions seen;
    for (const Seen& session : sessions) {
        telemetry::TrafficCounts traffic;
        traffic.bytes_from_server = session.bytes;
        seen.push_back({session.id,
                        session.opened,
                        traffic,
                        std::make_shared<const telemetry::SessionFacts>(session.facts),
                        {}});
    }
    return seen;
}

} // namespace

TEST_CASE("a session is due when nothing has passed for the idle limit") {
    SessionTimeouts timeouts;
    const SessionTimeouts::Settings settings{10s, 0s};
    Seen session;
    CHECK(timeouts.due(table({session}), settings, start).idle.empty());
    CHECK(timeouts.due(table({session}), settings, start + 9s).idle.empty());
    session.bytes = 1;
    CHECK(timeouts.due(table({session}), settings, start + 10s).idle.empty());
    CHECK(timeouts.due(table({session}), settings, start + 19s).idle.empty());
    CHECK(timeouts.due(table({session}), settings, start + 20s).idle == Ids{1});
    // It was not idle after all, so it is reported again.
    CHECK(timeouts.due(table({session}), settings, start + 21s).idle == Ids{1});
}

TEST_CASE("the end of a session's lifetime is reported once, at most a tenth early") {
    SessionTimeouts timeouts;
    const SessionTimeouts::Settings settings{0s, 100s};
    CHECK(timeouts.due(table({Seen()}), settings, start + 89s).lifetime.empty());
    CHECK(timeouts.due(table({Seen()}), settings, start + 100s).lifetime == Ids{1});
    CHECK(timeouts.due(table({Seen()}), settings, start + 101s).lifetime.empty());
}

TEST_CASE("lifetimes of sessions that began together are spread over a tenth") {
    std::set<std::chrono::milliseconds> seen;
    for (std::uint64_t id = 1; id <= 1000; ++id) {
        const auto lifetime = SessionTimeouts::lifetime_of(id, 1000s);
        CHECK(lifetime >= 900s);
        CHECK(lifetime <= 1000s);
        seen.insert(std::chrono::floor<std::chrono::seconds>(lifetime));
    }
    CHECK(seen.size() > 90);
}

TEST_CASE("a session that shows no transactions is never due") {
    struct Case {
        const char* what;
        telemetry::SessionStage stage;
        metrics::Mode mode;
        telemetry::Encryption encryption;
        protocol::Replication replication;
        bool due;
    };
    using Stage = telemetry::SessionStage;
    using Encryption = telemetry::Encryption;
    using Replication = protocol::Replication;
    const Case cases[] = {
        {"in the clear",
         Stage::live,
         metrics::Mode::passthrough,
         Encryption::none,
         Replication::none,
         true},
        {"TLS that ends here",
         Stage::live,
         metrics::Mode::terminate,
         Encryption::tls,
         Replication::none,
         true},
        {"TLS that passes through",
         Stage::live,
         metrics::Mode::passthrough,
         Encryption::tls,
         Replication::none,
         false},
        {"GSS", Stage::live, metrics::Mode::terminate, Encryption::gss, Replication::none, false},
        {"a login",
         Stage::login,
         metrics::Mode::terminate,
         Encryption::tls,
         Replication::none,
         false},
        {"the console",
         Stage::console,
         metrics::Mode::terminate,
         Encryption::tls,
         Replication::none,
         false},
        {"replication",
         Stage::live,
         metrics::Mode::terminate,
         Encryption::tls,
         Replication::physical,
         false},
    };
    for (const Case& given : cases) {
        INFO(given.what);
        Seen session;
        session.facts.stage = given.stage;
        session.facts.mode = given.mode;
        session.facts.encryption = given.encryption;
        session.facts.replication = given.replication;
        SessionTimeouts timeouts;
        (void)timeouts.due(table({session}), {5s, 5s}, start);
        const auto due = timeouts.due(table({session}), {5s, 0s}, start + 5s);
        CHECK(due.idle.size() == (given.due ? 1 : 0));
        CHECK(timeouts.due(table({session}), {0s, 5s}, start + 6s).lifetime.size() ==
              (given.due ? 1 : 0));
    }
}
