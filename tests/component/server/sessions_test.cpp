// Moving live sessions from one process to another: both are simulated here, each with its own
// control thread, relay plane and table, connected only by the socket.
#include "proxy/access/kill.h"
#include "proxy/server/moved_session.h"
#include "proxy/server/session_channel.h"
#include "proxy/server/sessions_in.h"
#include "proxy/server/sessions_out.h"
#include "proxy/upstream/dial.h"
#include "tests/support/control_fixture.h"
#include "tests/support/relay_fixture.h"
#include "tests/support/rule_builders.h"

#include <algorithm>

using namespace pgmoat;
using namespace pgmoat::test;
using metrics::CloseReason;
using pgmoat::tests::RuleBuilder;
using pgmoat::tests::rules_of;
using server::Transfer;

namespace {

const Bytes ready = message('Z', {'I'});
const Bytes query = message('Q', bytes_of("SELECT 1") + Bytes{0});

// Lets all clients in, and answers each query with ReadyForQuery.
ScriptedServer::Script answers_queries() {
    return [](Peer& peer) {
        const Bytes length = peer.receive(4);
        if (length.size() < 4) return;
        (void)peer.receive(protocol::read_uint32(length) - 4);
        peer.send(lets_in(77, {1, 2, 3, 4}));
        while (peer.receive(query.size()).size() == query.size())
            peer.send(ready);
    };
}

struct Process : ControlFixture {
    explicit Process(const std::string& conninfo) : ControlFixture(conninfo) {
        threads.push_back(std::make_unique<runtime::ControlThread>(services, setup));
    }
    ~Process() {
        in.reset();
        threads.clear();
    }
    void take_over_from(Descriptor channel) {
        in.emplace(threads, std::move(channel));
        in->start();
    }
    void hand_over(Descriptor channel) {
        out = std::make_shared<server::SessionsOut>(
            *thread,
            std::move(channel),
            server::SessionsOut::Events{[this](std::unique_ptr<relay::Channel> returned) {
                                            ++came_back;
                                            plane.adopt(std::move(returned));
                                        },
                                        [this] { over = true; }});
        out->start();
    }
    void turn() {
        for (runtime::ControlThread* one : {&*thread, threads.front().get()}) {
            if (one->context.stopped()) one->context.restart();
            one->context.run_one_for(1ms);
        }
    }
    [[nodiscard]] std::uint64_t closed(CloseReason reason) const {
        std::uint64_t sum = 0;
        for (const auto& listener : counters.sum().listeners)
            for (const auto& of_mode : listener.counts.closed)
                sum += of_mode[static_cast<std::size_t>(reason)];
        return sum;
    }
    [[nodiscard]] std::uint64_t opened() const {
        std::uint64_t sum = 0;
        for (const auto& listener : counters.sum().listeners)
            for (const auto count : listener.counts.opened)
                sum += count;
        return sum;
    }

    std::vector<std::unique_ptr<runtime::ControlThread>> threads; // where SessionsIn looks
    std::optional<server::SessionsIn> in;
    std::shared_ptr<server::SessionsOut> out;
    int came_back = 0;
    bool over = false;
};

struct Upgrade {
    Upgrade() : old(conninfo_of(server)), fresh(conninfo_of(server)) {}
    ~Upgrade() {
        if (old.out) old.out->stop();
    }

    Peer log_in(const std::string& user = "alice", bool locally = false) {
        Peer client = locally ? old.connect_locally() : old.connect();
        client.send(startup_of(user));
        REQUIRE(old.run_until([&] { return old.thread->sessions.empty(); }));
        REQUIRE(client.receive(lets_in().size()) == lets_in(77, {1, 2, 3, 4}));
        return client;
    }
    void begin() {
        fresh.take_over_from(std::move(pair.successors));
        REQUIRE(server::has_hello(pair.ours));
        old.hand_over(std::move(pair.ours));
    }
    bool until(const std::function<bool()>& holds) {
        const auto give_up = SteadyClock::now() + 30s;
        while (!holds()) { // it may receive something that makes it true
            if (SteadyClock::now() > give_up) return false;
            old.turn();
            fresh.turn();
        }
        return true;
    }
    // The next session that the old process sends, for a test that plays the new one.
    server::ArrivedSession arrived() {
        server::ArrivedSession session;
        REQUIRE(until([&] {
            return server::receive_session(pair.successors, buffer, session) == Transfer::done;
        }));
        return session;
    }

    ScriptedServer server{answers_queries()};
    Process old;
    Process fresh;
    server::ChannelPair pair = server::open_session_channel();
    std::vector<std::uint8_t> buffer = std::vector<std::uint8_t>(256 * 1024);
};

bool still_works(Peer& client) {
    return client.send(query) && client.receive(ready.size()) == ready;
}

} // namespace

TEST_CASE("A session goes to the new process with all that is known of it") {
    Upgrade upgrade;
    Peer client = upgrade.log_in();
    REQUIRE(still_works(client));
    const telemetry::SeenSession before = upgrade.old.table.snapshot().front();
    upgrade.fresh.table.begin_ids_at(1000);
    upgrade.begin();
    REQUIRE(upgrade.until([&] { return upgrade.old.table.live() == 0; }));
    REQUIRE(upgrade.until([&] { return upgrade.fresh.table.live() == 1; }));
    REQUIRE(still_works(client));

    const telemetry::SeenSession after = upgrade.fresh.table.snapshot().front();
    CHECK(after.id == before.id);
    CHECK(after.opened == before.opened);
    CHECK(after.facts->user == "alice");
    CHECK(after.facts->client_address == before.facts->client_address);
    CHECK(after.facts->server_address == before.facts->server_address);
    CHECK(after.facts->stage == telemetry::SessionStage::live);
    const auto route = upgrade.fresh.table.find_route(77, Bytes{1, 2, 3, 4});
    REQUIRE(route);
    CHECK(lookups::to_text(route->address) == before.facts->server_address);
    CHECK(upgrade.fresh.table.cancel_for(after.id));
    CHECK(upgrade.fresh.table.open()->id() >= 1000);

    CHECK(upgrade.old.closed(CloseReason::handed_over) == 1);
    CHECK(upgrade.old.ends.count() == 0);
    CHECK(upgrade.fresh.opened() == 1);
    client.close();
    REQUIRE(upgrade.until([&] { return upgrade.fresh.ends.count() == 1; }));
    CHECK(upgrade.fresh.ends.all().front().reason == CloseReason::client_closed);
}

TEST_CASE("Counters of a session go on in the new process") {
    Upgrade upgrade;
    Peer client = upgrade.log_in();
    REQUIRE(still_works(client));
    telemetry::TrafficCounts before;
    REQUIRE(upgrade.until([&] {
        before = upgrade.old.table.snapshot().front().traffic;
        return before.bytes_from_server >= ready.size(); // counted at the end of a turn
    }));
    upgrade.begin();
    REQUIRE(upgrade.until([&] { return upgrade.fresh.table.live() == 1; }));
    REQUIRE(still_works(client));
    const auto traffic = [&] { return upgrade.fresh.table.snapshot().front().traffic; };
    const std::uint64_t expected = before.bytes_from_server + ready.size();
    REQUIRE(upgrade.until([&] { return traffic().bytes_from_server == expected; }));
    CHECK(traffic().bytes_from_client == before.bytes_from_client + query.size());
    CHECK(before.queries == 1);
    CHECK(traffic().queries == 2);
    CHECK(upgrade.fresh.plane.threads().front().channels == 1);
}

TEST_CASE("Many sessions go, each of them works") {
    Upgrade upgrade;
    std::vector<Peer> clients;
    constexpr std::size_t count = 100;
    for (std::size_t i = 0; i < count; ++i)
        clients.push_back(upgrade.log_in("user" + std::to_string(i), i % 2 == 1));
    upgrade.begin();
    REQUIRE(upgrade.until([&] { return upgrade.old.table.live() == 0; }));
    CHECK(upgrade.fresh.table.live() == count);
    CHECK(upgrade.old.came_back == 0);
    for (Peer& client : clients)
        REQUIRE(still_works(client));
    Peer later = upgrade.log_in(); // it was still logging in
    REQUIRE(upgrade.until([&] { return upgrade.fresh.table.live() == count + 1; }));
    REQUIRE(still_works(later));
    for (Peer& client : clients)
        client.close();
    REQUIRE(upgrade.until([&] { return upgrade.fresh.ends.count() == count; }));
}

TEST_CASE(
    "A session whose listener or upstream the new configuration lacks goes on in the old process") {
    Upgrade upgrade;
    Peer client = upgrade.log_in();
    const auto forget = [&](const std::function<void(runtime::RuntimeConfig&)>& change) {
        upgrade.fresh.reload(change);
        upgrade.fresh.threads.front()->setup = upgrade.fresh.setup;
    };
    SECTION("listener") {
        forget([](auto& config) { config.config.listeners.front().name = "another"; });
    }
    SECTION("upstream") {
        forget([](auto& config) { config.upstreams.clear(); });
    }
    upgrade.begin();
    REQUIRE(upgrade.until([&] { return upgrade.old.came_back == 1; }));
    REQUIRE(still_works(client));
    CHECK(upgrade.fresh.table.live() == 0);
    CHECK(upgrade.fresh.opened() == 0);
    for (int i = 0; i < 200; ++i) { // not offered again
        upgrade.old.turn();
        upgrade.fresh.turn();
    }
    CHECK(upgrade.old.came_back == 1);
    CHECK_FALSE(upgrade.old.over);
    REQUIRE(still_works(client));
}

TEST_CASE("What the new process did not answer for goes on in the old one") {
    Upgrade upgrade;
    Peer first = upgrade.log_in();
    Peer second = upgrade.log_in();
    upgrade.old.hand_over(std::move(upgrade.pair.ours));
    auto one = upgrade.arrived();
    auto two = upgrade.arrived();
    SECTION("it crashes with both unanswered") {
        one = {};
        two = {};
        upgrade.pair.successors.reset();
        REQUIRE(upgrade.until([&] { return upgrade.old.over; }));
        CHECK(upgrade.old.came_back == 2);
        REQUIRE(still_works(first));
        REQUIRE(still_works(second));
        CHECK(upgrade.old.closed(CloseReason::handed_over) == 0);
    }
    SECTION("it crashes after one answer") {
        REQUIRE(server::send_answer(upgrade.pair.successors, {one.number, true}));
        upgrade.pair.successors.reset();
        REQUIRE(upgrade.until([&] { return upgrade.old.over; }));
        CHECK(upgrade.old.came_back == 1);
        CHECK(upgrade.old.table.live() == 1);
        CHECK(upgrade.old.closed(CloseReason::handed_over) == 1);
        two = {};
        one.client.reset(); // with the process, everything that it had
        one.server.reset();
        CHECK(still_works(first) != still_works(second));
    }
    SECTION("it says nothing: after a while nothing that it says counts") {
        REQUIRE(upgrade.until([&] { return upgrade.old.over; }));
        CHECK_FALSE(server::send_answer(upgrade.pair.successors, {one.number, true}));
        CHECK(upgrade.old.came_back == 2);
        REQUIRE(still_works(first));
        REQUIRE(still_works(second));
    }
    SECTION("it answers for a session that was never sent") {
        REQUIRE(server::send_answer(upgrade.pair.successors, {99, true}));
        REQUIRE(upgrade.until([&] { return upgrade.old.over; }));
        CHECK(upgrade.old.came_back == 2);
        REQUIRE(still_works(first));
    }
    SECTION("it speaks another language, and a good answer stands behind that") {
        REQUIRE(::send(upgrade.pair.successors.get(), "what?!", 6, 0) == 6);
        REQUIRE(server::send_answer(upgrade.pair.successors, {one.number, true}));
        REQUIRE(upgrade.until([&] { return upgrade.old.over; }));
        CHECK(upgrade.old.came_back == 1);
    }
    SECTION("the old process is told to stop meanwhile") {
        REQUIRE(server::send_answer(upgrade.pair.successors, {two.number, true}));
        upgrade.old.out->stop();
        CHECK(upgrade.old.came_back == 1);
        CHECK(upgrade.old.closed(CloseReason::handed_over) == 1);
        CHECK_FALSE(upgrade.old.over);
    }
}

TEST_CASE("The new process touches nothing of a session whose answer it cannot send") {
    Upgrade upgrade;
    Peer client = upgrade.log_in();
    upgrade.old.hand_over(std::move(upgrade.pair.ours));
    auto one = upgrade.arrived();
    server::ChannelPair another = server::open_session_channel();
    const Bytes session(one.session.begin(), one.session.end());
    REQUIRE(server::send_session(another.ours, 1, session, {one.client.get(), one.server.get()}) ==
            Transfer::done);
    REQUIRE(client.send(query)); // waits in the socket
    upgrade.fresh.take_over_from(std::move(another.successors));
    server::close_answers(another.ours);
    for (int i = 0; i < 100; ++i)
        upgrade.fresh.turn();
    CHECK(upgrade.fresh.table.live() == 0);
    CHECK(upgrade.fresh.opened() == 0);
    one = {};
    upgrade.pair.successors.reset();
    REQUIRE(upgrade.until([&] { return upgrade.old.over; }));
    REQUIRE(client.receive(ready.size()) == ready);
}

TEST_CASE("The new process refuses what is no session, and goes on") {
    Upgrade upgrade;
    upgrade.fresh.take_over_from(std::move(upgrade.pair.successors));
    REQUIRE(server::has_hello(upgrade.pair.ours));
    auto [near, far] = tcp_pair();
    const auto ask = [&](const Bytes& session) {
        REQUIRE(server::send_session(upgrade.pair.ours, 5, session, {near.get(), far.get()}) ==
                Transfer::done);
        server::Answer answer;
        REQUIRE(upgrade.until(
            [&] { return server::receive_answer(upgrade.pair.ours, answer) == Transfer::done; }));
        CHECK(answer.number == 5);
        return answer.taken;
    };
    CHECK_FALSE(ask({1, 2, 3}));
    server::MovedSession session;
    session.row.id = 3;
    session.row.facts.listener = "default";
    const Bytes good = *server::encode_session(session);
    CHECK_FALSE(ask(Bytes(good.begin(), good.end() - 1)));
    CHECK(ask(good));
    CHECK(ask(good)); // an id in use: it gets another one
    const auto seen = upgrade.fresh.table.snapshot();
    REQUIRE(seen.size() == 2);
    CHECK(seen[0].id != seen[1].id);
}

TEST_CASE("The access rules of the new process look over what it takes") {
    Upgrade upgrade;
    upgrade.old.reload([](runtime::RuntimeConfig& config) {
        config.access.front().rules = std::make_shared<const hba::Rules>(rules_of({RuleBuilder()}));
    });
    Peer alice = upgrade.log_in("alice");
    Peer bob = upgrade.log_in("bob");
    auto rules = std::make_shared<const hba::Rules>(
        rules_of({RuleBuilder().users({"bob"}).method(hba::Method::reject),
                  RuleBuilder().users({"alice"})}));
    upgrade.fresh.reload([&](runtime::RuntimeConfig& config) {
        config.access.front().rules = rules;
        config.config.hba_on_reload = config::HbaOnReload::disconnect;
    });
    upgrade.fresh.threads.front()->setup = upgrade.fresh.setup;
    upgrade.begin();
    REQUIRE(upgrade.until([&] { return upgrade.fresh.ends.count() == 1; }));
    CHECK(upgrade.fresh.ends.all().front().reason == CloseReason::killed);
    CHECK(sqlstate_in(bob.receive_all()) == "57P01");
    REQUIRE(still_works(alice));
    const hba::RuleStats& stats = *rules->rules[1].stats;
    REQUIRE(upgrade.until([&] { return stats.live == 1; }));
    alice.close();
    REQUIRE(upgrade.until([&] { return upgrade.fresh.ends.count() == 2; }));
}

TEST_CASE("What was taken counts under max_connections and for its address") {
    Upgrade upgrade;
    Peer client = upgrade.log_in();
    upgrade.begin();
    REQUIRE(upgrade.until([&] { return upgrade.fresh.table.live() == 1; }));
    const auto row = upgrade.fresh.table.open();
    CHECK_FALSE(row->admit(1));
    CHECK(row->admit(2));
    const auto survey =
        upgrade.fresh.addresses->table().survey(10, std::chrono::steady_clock::now());
    REQUIRE(survey.busiest.size() == 1);
    const auto connections = static_cast<std::size_t>(access::AddressLimit::connections);
    CHECK(survey.busiest.front().used[connections] == 1);
}
