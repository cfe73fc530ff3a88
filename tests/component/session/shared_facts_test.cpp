// What live sessions have in common is kept once. Under TSan as well: sessions begin and end on several
// threads.
#include "proxy/telemetry/session_table.h"
#include "proxy/telemetry/shared_facts_pool.h"
#include "tests/support/catch.h"

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

using namespace pgmoat;
using telemetry::SessionFacts;
using telemetry::SessionRow;
using telemetry::SessionStage;
using telemetry::SharedFacts;

namespace {

SharedFacts facts_of(const std::string& user) {
    SharedFacts facts;
    facts.user = user;
    facts.database = "orders";
    facts.stage = SessionStage::live;
    return facts;
}

std::unique_ptr<SessionRow>
live_session(telemetry::SessionTable& table, const std::string& user, std::uint16_t port) {
    auto row = table.open();
    row->update([&](SessionFacts& facts) {
        static_cast<SharedFacts&>(facts) = facts_of(user);
        facts.client_port = port;
    });
    return row;
}

} // namespace

TEST_CASE("Live sessions with equal facts refer to one value, and keep their own ports") {
    telemetry::SessionTable table;
    const auto first = live_session(table, "alice", 1001);
    const auto second = live_session(table, "alice", 1002);
    const auto other = live_session(table, "bob", 1003);
    CHECK(&first->facts() == &second->facts());
    CHECK(first->all_facts().client_port == 1001);
    CHECK(second->all_facts().client_port == 1002);
    CHECK(second->all_facts().user == "alice");
    CHECK(&other->facts() != &first->facts());
    CHECK(other->facts().user == "bob");
}

TEST_CASE("A change to one live session is not seen in another") {
    telemetry::SessionTable table;
    const auto first = live_session(table, "alice", 1001);
    const auto second = live_session(table, "alice", 1002);
    first->update([](SessionFacts& facts) { facts.judged = true; });
    CHECK(first->facts().judged);
    CHECK_FALSE(second->facts().judged);
    second->update([](SessionFacts& facts) { facts.judged = true; });
    CHECK(&first->facts() == &second->facts());
}

TEST_CASE("Sessions that log in have facts of their own, though they are equal") {
    telemetry::SessionTable table;
    const auto first = table.open();
    const auto second = table.open();
    for (const auto& row : {first.get(), second.get()})
        row->update([](SessionFacts& facts) { facts.user = "alice"; });
    CHECK(&first->facts() != &second->facts());
}

TEST_CASE("Facts that differ in any part are not shared") {
    const auto pool = std::make_shared<telemetry::SharedFactsPool>();
    const std::vector<void (*)(SharedFacts&)> changes{
        [](SharedFacts& facts) { facts.mode = metrics::Mode::passthrough; },
        [](SharedFacts& facts) { facts.client_address = "10.0.0.7"; },
        [](SharedFacts& facts) { facts.database = "sales"; },
        [](SharedFacts& facts) { facts.application_name = "psql"; },
        [](SharedFacts& facts) { facts.peer_uid = 1000; },
        [](SharedFacts& facts) { facts.encryption = telemetry::Encryption::gss; },
        [](SharedFacts& facts) { facts.client_tls.version = "TLSv1.2"; },
        [](SharedFacts& facts) { facts.proxied = std::make_shared<protocol::ProxyHeader>(); },
        [](SharedFacts& facts) {
            facts.client_certificate = std::make_shared<tls::CertificateFacts>();
        },
        [](SharedFacts& facts) { facts.listener = "other"; },
        [](SharedFacts& facts) { facts.server_tls.cipher = "TLS_AES_128_GCM_SHA256"; },
        [](SharedFacts& facts) { facts.judged = true; },
        [](SharedFacts& facts) { facts.rule = "pg_hba.conf:3"; },
        [](SharedFacts& facts) { facts.backend.port = 5433; },
        [](SharedFacts& facts) { facts.server_address = "10.0.0.5:5432"; },
        [](SharedFacts& facts) { facts.scram.client_bound = true; },
    };
    std::vector<std::shared_ptr<const SharedFacts>> kept{pool->share(facts_of("alice"))};
    for (const auto change : changes) {
        SharedFacts facts = facts_of("alice");
        change(facts);
        kept.push_back(pool->share(facts));
    }
    CHECK(pool->size() == changes.size() + 1);
    CHECK(pool->share(facts_of("alice")) == kept.front());
}

TEST_CASE("Shared facts go with the last session or snapshot that has them") {
    auto pool = std::make_shared<telemetry::SharedFactsPool>();
    auto first = pool->share(facts_of("alice"));
    auto second = pool->share(facts_of("alice"));
    first.reset();
    CHECK(pool->size() == 1);
    second.reset();
    CHECK(pool->size() == 0);

    auto last = pool->share(facts_of("alice"));
    pool.reset(); // a snapshot may outlive the table
    CHECK(last->user == "alice");
}

TEST_CASE("Sessions of many threads share and drop the same facts") {
    telemetry::SessionTable table;
    std::atomic<std::size_t> wrong{0};
    const auto come_and_go = [&] {
        for (std::uint16_t port = 1; port <= 500; ++port) {
            const auto row = live_session(table, port % 2 == 0 ? "alice" : "bob", port);
            const auto seen = table.snapshot();
            const SessionFacts facts = row->all_facts();
            if (facts.client_port != port || facts.user != (port % 2 == 0 ? "alice" : "bob"))
                ++wrong;
        }
    };
    {
        std::vector<std::jthread> threads;
        for (int i = 0; i < 4; ++i)
            threads.emplace_back(come_and_go);
    }
    CHECK(wrong == 0);
    CHECK(table.live() == 0);
}
