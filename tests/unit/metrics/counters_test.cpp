// Blocks and their sums: what one thread counts is added in the right place and nowhere else.
#include "metrics/counters.h"
#include "tests/support/catch.h"

#include <array>
#include <cerrno>
#include <map>
#include <numeric>
#include <string>
#include <thread>

using namespace pgmoat::metrics;
using namespace std::chrono_literals;

namespace {

template <class Enum>
std::size_t at(Enum value) {
    return static_cast<std::size_t>(value);
}

struct OneListener {
    Counters counters;
    ListenerId listener = counters.add_listener("edge", Mode::terminate);
    Block& block = counters.block_of_this_thread();

    ListenerCells<std::uint64_t> counts() const { return counters.sum().listeners.front().counts; }
};

template <std::size_t size>
std::uint64_t total(const std::array<std::uint64_t, size>& counts) {
    return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

std::string in_words(const Totals& totals, const HandshakeKind& kind) {
    const auto word = [](auto value) { return " " + std::string(to_word(value)); };
    return totals.listeners[kind.listener].name + word(kind.side) + word(kind.version) +
           word(kind.cipher) + word(kind.group) + word(kind.sni);
}

} // namespace

TEST_CASE("Nothing counted is all zero") {
    OneListener f;
    const auto counts = f.counts();
    CHECK(total(counts.opened) == 0);
    CHECK(total(counts.closed[0]) + total(counts.closed[1]) == 0);
    CHECK(f.counters.sum().handshakes.empty());
}

TEST_CASE("A connection counts where its mode and its end say") {
    OneListener f;
    f.block.connection_opened(f.listener, Mode::passthrough);
    f.block.connection_closed(f.listener, Mode::passthrough, CloseReason::tls_truncated);
    f.block.connection_lasted(f.listener, 3s);

    const auto counts = f.counts();
    CHECK(counts.opened[at(Mode::passthrough)] == 1);
    CHECK(counts.opened[at(Mode::terminate)] == 0);
    CHECK(counts.closed[at(Mode::passthrough)][at(CloseReason::tls_truncated)] == 1);
    CHECK(total(counts.closed[at(Mode::passthrough)]) == 1);
    CHECK(total(counts.closed[at(Mode::terminate)]) == 0);
    CHECK(total(counts.connection.observations) == 1);
}

TEST_CASE("Bytes add up by direction") {
    OneListener f;
    f.block.bytes(f.listener, Direction::from_client, 1000);
    f.block.bytes(f.listener, Direction::from_client, 1);
    f.block.bytes(f.listener, Direction::from_server, 5);
    CHECK(f.counts().bytes == std::array<std::uint64_t, direction_count>{1001, 5});
}

TEST_CASE("Each kind of event has a count of its own") {
    OneListener f;
    const UpstreamId upstream = f.counters.add_upstream("db");
    f.block.startup_request(f.listener, StartupKind::direct_tls);
    f.block.startup_error(f.listener, StartupError::bad_length);
    f.block.tls_handshake_failed(f.listener, Side::server, HandshakeFailure::cert_expired);
    f.block.client_hello_offered(f.listener, "TLSv1.2");
    f.block.login_took(f.listener, 2ms);
    f.block.tls_handshake_began();
    f.block.tls_handshake_began();
    f.block.tls_handshake_ended();
    f.block.tls_handshake_took(Side::client, 1ms);
    f.block.upstream_connect(upstream, ConnectResult::refused, 1ms);
    f.block.cancel_request(CancelOutcome::unknown_key);
    f.block.accept_failed(EMFILE);
    f.block.rate_limited(Limit::cancel_requests);
    f.block.log_messages_dropped(7);
    f.block.internal_error();

    const Totals totals = f.counters.sum();
    const auto& counts = totals.listeners.front().counts;
    CHECK(counts.startup_requests[at(StartupKind::direct_tls)] == 1);
    CHECK(total(counts.startup_requests) == 1);
    CHECK(counts.startup_errors[at(StartupError::bad_length)] == 1);
    CHECK(total(counts.startup_errors) == 1);
    CHECK(counts.handshake_failures[at(Side::server)][at(HandshakeFailure::cert_expired)] == 1);
    CHECK(total(counts.handshake_failures[at(Side::client)]) == 0);
    CHECK(counts.offers[at(TlsVersion::tls_1_2)] == 1);
    CHECK(total(counts.login.observations) == 1);
    CHECK(totals.process.handshakes_began == 2);
    CHECK(totals.process.handshakes_ended == 1);
    CHECK(total(totals.process.handshake[at(Side::client)].observations) == 1);
    CHECK(total(totals.process.handshake[at(Side::server)].observations) == 0);
    CHECK(totals.upstreams.front().name == "db");
    CHECK(totals.upstreams.front().counts.connects[at(ConnectResult::refused)] == 1);
    CHECK(totals.process.cancel_requests[at(CancelOutcome::unknown_key)] == 1);
    CHECK(totals.process.accept_errors[at(AcceptError::emfile)] == 1);
    CHECK(totals.process.rate_limited[at(Limit::cancel_requests)] == 1);
    CHECK(totals.process.log_messages_dropped == 7);
    CHECK(totals.process.internal_errors == 1);
}

TEST_CASE("Only an attempt that connected tells how long connecting takes") {
    Counters counters;
    const UpstreamId upstream = counters.add_upstream("db");
    Block& block = counters.block_of_this_thread();
    block.upstream_connect(upstream, ConnectResult::timeout, 5s);
    block.upstream_connect(upstream, ConnectResult::connected, 3ms);

    const auto connect = counters.sum().upstreams.front().counts.connect;
    CHECK(total(connect.observations) == 1);
    CHECK(connect.sum == 3000);
}

TEST_CASE("A duration falls into the first bucket that is not below it") {
    struct Case {
        Duration duration;
        std::size_t bucket;
    };
    const auto [duration, bucket] = GENERATE(Case{-1ms, 0},
                                             Case{0ms, 0},
                                             Case{500us, 0},
                                             Case{501us, 1},
                                             Case{1ms, 1},
                                             Case{16'384ms, 15},
                                             Case{17s, 16},
                                             Case{24h, 16});
    OneListener f;
    f.block.tls_handshake_took(Side::client, duration);
    const auto histogram = f.counters.sum().process.handshake[at(Side::client)];
    CHECK(histogram.observations[bucket] == 1);
    CHECK(total(histogram.observations) == 1);
}

TEST_CASE("The sum of a histogram outlasts ten thousand connections of ten years") {
    OneListener f;
    constexpr Duration ten_years = 24h * 3652;
    for (int i = 0; i < 10'000; ++i)
        f.block.connection_lasted(f.listener, ten_years);
    const auto seconds = f.counts().connection.sum / 1'000'000;
    CHECK(seconds == 10'000ULL * 3652 * 24 * 3600);
}

TEST_CASE("Handshakes count by everything that was negotiated") {
    OneListener f;
    const TlsHandshake modern{.side = Side::client,
                              .version = "TLSv1.3",
                              .cipher = "TLS_AES_256_GCM_SHA384",
                              .group = "X25519",
                              .sni = Sni::present};
    TlsHandshake old = modern;
    old.version = "TLSv1.2";
    old.cipher = "AES128-SHA";
    old.group = "";
    f.block.tls_handshake(f.listener, modern);
    f.block.tls_handshake(f.listener, modern);
    f.block.tls_handshake(f.listener, old);

    const Totals totals = f.counters.sum();
    std::map<std::string, std::uint64_t> seen;
    for (const auto& [kind, count] : totals.handshakes)
        seen[in_words(totals, kind)] = count;
    CHECK(seen == std::map<std::string, std::uint64_t>{
                      {"edge client TLSv1.3 TLS_AES_256_GCM_SHA384 X25519 present", 2},
                      {"edge client TLSv1.2 AES128-SHA none present", 1},
                  });
}

TEST_CASE("Strings of a peer's choosing make one kind of handshake, however many they are") {
    OneListener f;
    for (int i = 0; i < 100'000; ++i) {
        const std::string text = "client text " + std::to_string(i);
        f.block.tls_handshake(f.listener, {.version = text, .cipher = text, .group = text});
    }
    const Totals totals = f.counters.sum();
    REQUIRE(totals.handshakes.size() == 1);
    CHECK(totals.handshakes.begin()->second == 100'000);
    CHECK(in_words(totals, totals.handshakes.begin()->first) ==
          "edge client other other other unknown");
}

TEST_CASE("Handshakes beyond the table's size are counted all the same") {
    Counters counters;
    Block& block = counters.block_of_this_thread();
    std::uint64_t made = 0;
    for (int listener = 0; listener < 10; ++listener) {
        const auto id = counters.add_listener("l" + std::to_string(listener), Mode::terminate);
        for (int cipher = 0; cipher < 30; ++cipher) {
            for (int group = 0; group < 20; ++group) {
                const auto cipher_name = to_word(static_cast<Cipher>(cipher));
                const auto group_name = to_word(static_cast<Group>(group));
                block.tls_handshake(id, {.cipher = cipher_name, .group = group_name});
                ++made;
            }
        }
    }
    REQUIRE(made > handshake_kinds_max);

    const Totals totals = counters.sum();
    std::uint64_t counted = 0;
    std::map<std::uint16_t, std::uint64_t> by_listener;
    for (const auto& [kind, count] : totals.handshakes) {
        counted += count;
        by_listener[kind.listener] += count;
    }
    CHECK(counted == made);
    for (const auto& [listener, count] : by_listener)
        CHECK(count == 600);
    CHECK(totals.handshakes.size() <= handshake_kinds_max + 2 * 10);
}

TEST_CASE("A name keeps its index and its counts over a reload") {
    OneListener f;
    f.block.connection_opened(f.listener, Mode::terminate);
    const ListenerId other = f.counters.add_listener("other", Mode::terminate);
    const ListenerId again = f.counters.add_listener("edge", Mode::passthrough);

    CHECK(again == f.listener);
    CHECK(other != f.listener);
    const Totals totals = f.counters.sum();
    REQUIRE(totals.listeners.size() == 2);
    CHECK(totals.listeners.front().counts.opened[at(Mode::terminate)] == 1);
    CHECK(totals.listeners.front().modes == std::array<bool, mode_count>{true, true});
    CHECK(f.counters.add_upstream("db") == f.counters.add_upstream("db"));
}

TEST_CASE("Names beyond the limit share one index") {
    Counters counters;
    Block& block = counters.block_of_this_thread();
    for (std::size_t i = 0; i < 10 * listeners_max; ++i) {
        const auto listener = counters.add_listener("l" + std::to_string(i), Mode::terminate);
        block.connection_opened(listener, Mode::terminate);
    }
    for (std::size_t i = 0; i < 10 * upstreams_max; ++i) {
        const auto upstream = counters.add_upstream("u" + std::to_string(i));
        block.upstream_connect(upstream, ConnectResult::connected, 1ms);
    }

    const Totals totals = counters.sum();
    REQUIRE(totals.listeners.size() == listeners_max);
    CHECK(totals.listeners.back().name == "_other");
    CHECK(totals.listeners.back().counts.opened[at(Mode::terminate)] == 9 * listeners_max + 1);
    REQUIRE(totals.upstreams.size() == upstreams_max);
    CHECK(totals.upstreams.back().name == "_other");
    CHECK(counters.add_listener("l3", Mode::terminate) == ListenerId{3});
}

TEST_CASE("A listener that is called _other does not make a second one") {
    Counters counters;
    const auto other = counters.add_listener("_other", Mode::terminate);
    for (std::size_t i = 0; i < 2 * listeners_max; ++i) {
        (void)counters.add_listener("l" + std::to_string(i), Mode::terminate);
    }
    CHECK(counters.add_listener("one too many", Mode::terminate) == other);
}

TEST_CASE("A thread finds its own block again, and no other thread's") {
    Counters counters;
    Block& mine = counters.block_of_this_thread();
    CHECK(&counters.block_of_this_thread() == &mine);
    Block* theirs = nullptr;
    std::thread([&] { theirs = &counters.block_of_this_thread(); }).join();
    CHECK(theirs != &mine);
    CHECK(&counters.block_of_this_thread() == &mine);
}

TEST_CASE("A thread's block costs less than 128 KiB") {
    CHECK(sizeof(Block) < 128 * 1024);
    CHECK(alignof(Block) == cache_line_bytes);
}
