// Reloaded access rules: which live sessions they end, which have not been judged yet, and that
// nothing else waits meanwhile.
#include "proxy/access/kill.h"
#include "proxy/access/limits.h"
#include "proxy/access/recheck_sessions.h"
#include "tests/component/session/system_faults.h"
#include "tests/support/control_fixture.h"
#include "tests/support/relay_fixture.h"
#include "tests/support/rule_builders.h"

using namespace pgmoat;
using namespace pgmoat::test;
using metrics::CloseReason;
using pgmoat::tests::RuleBuilder;
using pgmoat::tests::rules_of;

namespace {

std::shared_ptr<const hba::Rules> shared(std::vector<hba::Rule> rules) {
    return std::make_shared<const hba::Rules>(rules_of(std::move(rules)));
}
hba::Rule lets_in_all() {
    return RuleBuilder();
}
hba::Rule refuses(const std::string& user) {
    return RuleBuilder().users({user}).method(hba::Method::reject);
}

// Puts the thread where recheck_sessions() looks for it.
struct RecheckFixture : ControlFixture {
    explicit RecheckFixture(const ScriptedServer& server) : ControlFixture(conninfo_of(server)) {
        reload([](runtime::RuntimeConfig& config) {
            config.access.front().rules = shared({lets_in_all()});
        });
        threads.push_back(std::make_unique<runtime::ControlThread>(services, setup));
    }
    ~RecheckFixture() { threads.clear(); }

    void take(std::vector<hba::Rule> rules,
              config::HbaOnReload what = config::HbaOnReload::disconnect) {
        reload([&](runtime::RuntimeConfig& config) {
            config.access.front().rules = shared(std::move(rules));
            config.config.hba_on_reload = what;
        });
        threads.front()->setup = setup;
        access::recheck_sessions(threads);
    }
    // Runs both threads until `holds`.
    bool run_all_until(const std::function<bool()>& holds, SteadyClock::duration patience = 20s) {
        const auto give_up = SteadyClock::now() + patience;
        while (!holds() && SteadyClock::now() < give_up) {
            for (runtime::ControlThread* one : {&*thread, threads.front().get()}) {
                if (one->context.stopped()) one->context.restart();
                one->context.run_one_for(1ms);
            }
        }
        return holds();
    }
    Peer log_in(const std::string& user) {
        Peer client = connect();
        client.send(startup_of(user));
        REQUIRE(run_until([&] { return thread->sessions.empty(); }));
        REQUIRE(client.receive(lets_in().size()) == lets_in());
        return client;
    }

    std::vector<std::unique_ptr<runtime::ControlThread>> threads;
};

// A ClientHello of ours, and the session that continues with the answer.
struct Hello {
    std::unique_ptr<tls::Session> session =
        std::make_unique<tls::Session>(*Contexts::get().client, "localhost");
    Bytes bytes;
    Hello() {
        tls::Wire wire{{}, false, bytes};
        (void)session->handshake(wire);
    }
};

} // namespace

TEST_CASE("live sessions that the new rules refuse are ended, and no others") {
    ScriptedServer server(lets_everyone_in());
    RecheckFixture test(server);
    Peer alice = test.log_in("alice");
    Peer bob = test.log_in("bob");
    test.take({refuses("bob"), lets_in_all()});
    REQUIRE(test.run_all_until([&] { return test.ends.count() == 1; }));
    CHECK(test.ends.all().front().reason == CloseReason::killed);
    CHECK(sqlstate_in(bob.receive_all()) == "57P01");
    (void)test.run_all_until([] { return false; }, 50ms);
    CHECK(test.ends.count() == 1);
}

TEST_CASE("hba_on_reload = keep: they go on") {
    ScriptedServer server(lets_everyone_in());
    RecheckFixture test(server);
    Peer bob = test.log_in("bob");
    test.take({refuses("bob")}, config::HbaOnReload::keep);
    (void)test.run_all_until([] { return false; }, 100ms);
    CHECK(test.ends.count() == 0);
    CHECK(test.table.live() == 1);
}

TEST_CASE("more sessions than one slice holds: each is looked at, and others get their turn") {
    ScriptedServer server(lets_everyone_in());
    RecheckFixture test(server);
    test.log.configure(config::LogLevel::error,
                       config::LogFormat::text); // one line for each session
    constexpr std::size_t many = 3 * access::sessions_per_slice + 5;
    std::vector<std::unique_ptr<telemetry::SessionRow>> rows;
    for (std::size_t i = 0; i < many; ++i) {
        rows.push_back(test.table.open());
        rows.back()->update([&](telemetry::SessionFacts& facts) {
            facts.listener = "default";
            facts.client_address = "127.0.0.1";
            facts.user = i % 2 == 0 ? "alice" : "bob";
            facts.database = "sales";
            facts.judged = true;
        });
    }
    std::set<std::uint64_t> ended;
    struct Killable final : runtime::Interruptible {
        Killable(std::uint64_t number, std::set<std::uint64_t>& all) : number_(number), all_(all) {}
        std::uint64_t id() const noexcept override { return number_; }
        void interrupt(const relay::Ended& end) noexcept override {
            if (end.reason == CloseReason::killed) all_.insert(number_);
        }
        std::uint64_t number_;
        std::set<std::uint64_t>& all_;
    };
    std::vector<std::unique_ptr<Killable>> sessions;
    for (const auto& row : rows) {
        sessions.push_back(std::make_unique<Killable>(row->id(), ended));
        test.threads.front()->sessions.insert(sessions.back().get());
    }
    test.take({refuses("bob"), lets_in_all()});
    std::size_t ended_when_others_ran = many;
    asio::post(test.threads.front()->context, [&] {
        asio::post(test.threads.front()->context, [&] { ended_when_others_ran = ended.size(); });
    });
    REQUIRE(test.run_all_until([&] { return ended.size() == many / 2; }));
    CHECK(ended_when_others_ran < many / 2);
    for (std::size_t i = 0; i < many; ++i)
        CHECK(ended.contains(rows[i]->id()) == (i % 2 == 1));
    test.threads.front()->sessions.clear();
}

TEST_CASE("a session on its way meets the rules of a reload at the end of its login") {
    std::atomic<bool> goes_on = false;
    ScriptedServer server([&](Peer& peer) {
        const Bytes length = peer.receive(4);
        if (length.size() < 4) return;
        (void)peer.receive(protocol::read_uint32(length) - 4);
        while (!goes_on)
            std::this_thread::sleep_for(1ms);
        peer.send(lets_in());
        (void)peer.receive_all();
    });
    RecheckFixture test(server);
    Peer bob = test.connect();
    bob.send(startup_of("bob"));
    REQUIRE(test.run_until([&] { return server.visitors() == 1; }));
    test.reload([](runtime::RuntimeConfig& config) {
        config.access.front().rules = shared({refuses("bob")});
        config.config.hba_on_reload = config::HbaOnReload::disconnect;
    });
    goes_on = true;
    CHECK(test.ended().reason == CloseReason::killed);
}

TEST_CASE("a passed-through session whose ServerHello has not come is not judged by a reload") {
    std::atomic<bool> answers = false;
    ScriptedServer server([&](Peer& peer) {
        if (peer.receive(8).size() < 8) return;
        peer.send(Bytes{'S'});
        tls::Session session(*Contexts::get().server);
        Bytes in;
        Bytes out;
        for (;;) {
            const Bytes more = peer.receive(1);
            if (more.empty()) return;
            in.insert(in.end(), more.begin(), more.end());
            tls::Wire wire{in, false, out};
            (void)session.handshake(wire);
            in.assign(wire.in.begin(), wire.in.end());
            if (out.empty()) continue;
            while (!answers)
                std::this_thread::sleep_for(1ms);
            peer.send(out);
            (void)peer.receive_all();
            return;
        }
    });
    RecheckFixture test(server);
    const hba::Rule demanding = RuleBuilder(hba::RecordType::hostssl).demands({"TLSv1.3", {}, {}});
    const auto by_demand = [&](runtime::RuntimeConfig& config) {
        config.config.listeners.front().tls_mode = config::TlsMode::passthrough;
        config.access.front().rules = shared({demanding});
        config.config.hba_on_reload = config::HbaOnReload::disconnect;
    };
    test.reload(by_demand);
    test.services.server_answers.note("default", runtime::EncryptionRequest::ssl, true);

    const Hello hello;
    Peer client = test.connect();
    client.send(packet_of({4, 210, 22, 47}));
    REQUIRE(test.run_until([&] { return !test.thread->sessions.empty(); }));
    test.run_for(20ms);
    REQUIRE(client.receive(1) == Bytes{'S'});
    client.send(hello.bytes);
    REQUIRE(test.run_until([&] { return server.visitors() == 1; }));
    test.run_for(100ms); // the server has the hello, and does not answer yet
    REQUIRE(test.table.snapshot().size() == 1);
    CHECK_FALSE(test.table.snapshot().front().facts->judged);

    test.reload(by_demand);
    test.threads.front()->setup = test.setup;
    access::recheck_sessions(test.threads);
    (void)test.run_all_until([] { return false; }, 100ms);
    CHECK(test.ends.count() == 0);
    answers = true;
    REQUIRE(test.run_until([&] { return test.thread->sessions.empty(); }));
    CHECK(test.ends.count() == 0); // TLS 1.3: handed over
    CHECK(test.table.snapshot().front().facts->judged);
}

TEST_CASE("a look-up that hangs holds up neither the thread nor a kill") {
    const WithSystemFaults system({.names_are_silent = 1500ms});
    ScriptedServer server(lets_everyone_in());
    RecheckFixture test(server);
    Peer alice = test.log_in("alice");
    test.take({RuleBuilder().from_host("nobody.example.com"), refuses("alice")});
    const auto began = SteadyClock::now();
    (void)test.run_all_until([] { return false; }, 50ms);
    CHECK(SteadyClock::now() - began < 500ms); // meanwhile the threads' turns are short
    Peer next = test.connect();
    test.run_for(20ms);
    CHECK(test.thread->sessions.size() == 1);
    next.close();
    REQUIRE(test.run_all_until([&] {
        const auto all = test.ends.all();
        return std::ranges::any_of(
            all, [](const relay::Ended& ended) { return ended.reason == CloseReason::killed; });
    }));
}
