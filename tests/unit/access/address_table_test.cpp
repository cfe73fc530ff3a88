// The limits of one address, and of the table itself, compared with a model that forgets nothing.
#include "proxy/access/address_table.h"
#include "tests/support/catch.h"

#include <algorithm>
#include <deque>
#include <map>
#include <random>
#include <string>

using namespace pgmoat;
using namespace pgmoat::access;
using namespace std::chrono_literals;
using Verdict = AddressTable::LoginTurn::Verdict;

namespace {

const Clock::time_point start{1000h};
const SipKey key{1, 2};

hba::NetAddress address(const std::string& text) {
    return hba::numeric_address(text).value();
}

AddressLimits limits() {
    AddressLimits limits;
    limits.connections = 2;
    limits.handshakes = {10, 1s, 2};
    limits.logins = {10, 1s, 3};
    limits.failed_logins = {3, 60s, 3};
    limits.delay = 1s;
    return limits;
}

struct Table : AddressTable {
    explicit Table(AddressLimits with = limits(), std::size_t entries = 4096)
        : AddressTable(entries, key) {
        set_limits(std::move(with));
    }
};

// The n-th of many addresses that do not share a prefix.
hba::NetAddress stranger(std::uint32_t n) {
    hba::NetAddress made{hba::Family::ipv4, {}};
    for (std::size_t i = 0; i < 4; ++i)
        made.bytes[i] = static_cast<std::uint8_t>(n >> (24 - 8 * i));
    return made;
}

} // namespace

namespace {

// Whether another connection of this address would be within its limit.
bool has_room(AddressTable& table, const hba::NetAddress& client) {
    const auto place = table.connect(client, start);
    return place && !place->is_over();
}

} // namespace

TEST_CASE("An address has as many connections as it may have") {
    Table table;
    auto first = table.connect(address("10.0.0.1"), start);
    auto second = table.connect(address("10.0.0.1"), start);
    REQUIRE((first && second && first->counts()));
    REQUIRE_FALSE(has_room(table, address("10.0.0.1")));
    REQUIRE(has_room(table, address("10.0.0.2")));
    first.reset();
    auto third = table.connect(address("10.0.0.1"), start);
    REQUIRE(third);
    REQUIRE_FALSE(has_room(table, address("10.0.0.1")));

    *third = std::move(*second); // assigning releases the place that is overwritten
    second.reset();
    REQUIRE(has_room(table, address("10.0.0.1")));
}

TEST_CASE("As many again may stay until they got their error, and take no free place") {
    Table table;
    const auto client = address("10.0.0.1");
    std::vector<AddressTable::Place> held;
    for (int i = 0; i < 4; ++i) {
        held.push_back(table.connect(client, start).value());
        REQUIRE(held.back().is_over() == (i >= 2));
    }
    REQUIRE_FALSE(table.connect(client, start));
    held.erase(held.begin());
    REQUIRE(has_room(table, client));
    held.pop_back();
    REQUIRE(has_room(table, client));
    held.clear();
    REQUIRE(table.usage(start).in_use == 0);
}

TEST_CASE("Addresses that agree in the prefix are one") {
    Table table;
    auto held = std::array{table.connect(address("2001:db8:0:1::1"), start),
                           table.connect(address("2001:db8:0:1:ffff::2"), start)};
    REQUIRE_FALSE(has_room(table, address("2001:db8:0:1::3")));
    REQUIRE(has_room(table, address("2001:db8:0:2::1")));
    REQUIRE(has_room(table, address("32.1.13.184"))); // the same first bytes in IPv4

    auto wide = limits();
    wide.ipv4_prefix = 20;
    wide.ipv6_prefix = 0;
    Table other(wide);
    auto more = std::array{other.connect(address("10.1.16.1"), start),
                           other.connect(address("10.1.31.255"), start),
                           other.connect(address("::1"), start),
                           other.connect(address("2001:db8::"), start)};
    REQUIRE_FALSE(has_room(other, address("10.1.20.0")));
    REQUIRE(has_room(other, address("10.1.32.0")));
    REQUIRE_FALSE(has_room(other, address("fe80::1")));
}

TEST_CASE("Exempt networks and unix sockets have no limit and no place") {
    auto with = limits();
    with.exempt.push_back(*config::parse_network("10.0.0.0/8"));
    Table table(with);
    for (const auto& exempt : {address("10.9.9.9"), hba::NetAddress{}}) {
        for (int i = 0; i < 20; ++i) {
            const auto place = table.connect(exempt, start);
            REQUIRE((place && !place->counts()));
            REQUIRE(table.begin_handshake(exempt, start));
            table.login_failed(exempt, start);
            REQUIRE(table.begin_login(exempt, start).wait == 0s);
        }
    }
    REQUIRE(table.usage(start).in_use == 0);
}

TEST_CASE("Handshakes and logins have rates of their own") {
    Table table;
    const auto client = address("10.0.0.1");
    REQUIRE((table.begin_handshake(client, start) && table.begin_handshake(client, start)));
    REQUIRE_FALSE(table.begin_handshake(client, start));
    for (int i = 0; i < 3; ++i)
        REQUIRE(table.begin_login(client, start).verdict == Verdict::go);
    REQUIRE(table.begin_login(client, start).verdict == Verdict::too_many_logins);
    REQUIRE(table.begin_handshake(address("10.0.0.2"), start));
    REQUIRE(table.begin_handshake(client, start + 100ms));
    REQUIRE(table.begin_login(client, start + 100ms).verdict == Verdict::go);
}

TEST_CASE("After failed logins the others of that address wait, one after another") {
    auto with = limits();
    with.logins = {};
    Table table(with);
    const auto guesser = address("10.0.0.1");
    for (int i = 0; i < 3; ++i) {
        REQUIRE(table.begin_login(guesser, start).wait == 0s);
        table.login_failed(guesser, start);
    }
    for (int turn = 1; turn <= waiting_logins_max; ++turn) {
        const auto login = table.begin_login(guesser, start);
        REQUIRE(login.verdict == Verdict::go);
        REQUIRE(login.wait == turn * 1s);
    }
    REQUIRE(table.begin_login(guesser, start).verdict == Verdict::too_many_failures);
    REQUIRE(table.begin_login(address("10.0.0.2"), start).wait == 0s);
    REQUIRE(table.begin_login(guesser, start + 2s).wait == 7s);
    REQUIRE(table.begin_login(guesser, start + 19s).wait == 1s);
    REQUIRE(table.begin_login(guesser, start + 20s).wait == 0s); // one failure has expired
}

TEST_CASE("A reload takes the new limits and keeps what has been counted") {
    Table table;
    const auto client = address("10.0.0.1");
    auto held = std::array{table.connect(client, start), table.connect(client, start)};
    auto now = limits();
    now.connections = 3;
    table.set_limits(now);
    auto third = table.connect(client, start);
    REQUIRE((third && !has_room(table, client)));
    now.connections = 1;
    table.set_limits(now);
    third.reset();
    REQUIRE_FALSE(has_room(table, client));

    now.ipv4_prefix = 24; // new keys: the old entries are left as their connections end
    table.set_limits(now);
    auto other = table.connect(client, start);
    REQUIRE((other && !has_room(table, address("10.0.0.9"))));
    held = {};
    REQUIRE_FALSE(has_room(table, client));
    other.reset();
    REQUIRE(table.usage(start).in_use == 0);
}

TEST_CASE("Connections are counted while nothing limits them") {
    auto none = limits();
    none.connections = 0;
    Table table(none);
    std::vector<AddressTable::Place> held;
    for (int i = 0; i < 9; ++i)
        held.push_back(table.connect(address("10.0.0.1"), start).value());
    table.set_limits(limits());
    REQUIRE_FALSE(has_room(table, address("10.0.0.1")));
    const auto busy = table.survey(5, start).busiest;
    REQUIRE(busy.size() == 1);
    REQUIRE(busy[0].used[0] == 9);
    REQUIRE(busy[0].address == address("10.0.0.1"));
}

TEST_CASE(
    "The table stays as it is, however many addresses come, and forgets none that is connected") {
    auto with = limits();
    Table table(with, address_table_min);
    const auto size = table.usage(start).entries;
    std::vector<AddressTable::Place> held;
    for (std::uint32_t n = 0; n < size / 2; ++n)
        held.push_back(table.connect(stranger(n), start).value());
    for (std::uint32_t n = 0; n < 200'000; ++n)
        table.login_failed(stranger(0x5000'0000 + n), start + std::chrono::microseconds{n});

    const auto usage = table.usage(start + 1s);
    REQUIRE(usage.entries == size);
    REQUIRE(usage.in_use <= size);
    REQUIRE(usage.evicted > 0);
    REQUIRE(usage.uncounted == 0);
    for (std::uint32_t n = 0; n < size / 2; ++n) {
        auto second = table.connect(stranger(n), start).value();
        REQUIRE(second.counts());
        REQUIRE_FALSE(has_room(table, stranger(n)));
    }
}

TEST_CASE("Half a table of connected addresses leaves room for each; a whole one lets more in "
          "uncounted") {
    Table table(limits(), 16'384);
    std::vector<AddressTable::Place> held;
    for (std::uint32_t n = 0; n < 16'384; ++n) {
        held.push_back(table.connect(stranger(n * 7919), start).value());
        if (n == 8'192) REQUIRE(table.usage(start).uncounted == 0);
    }
    const auto usage = table.usage(start);
    REQUIRE(usage.uncounted > 0);
    REQUIRE(usage.in_use + usage.uncounted == held.size());
}

TEST_CASE("An address that has failed is forgotten last") {
    Table table(limits(), address_table_min);
    const auto guesser = address("10.0.0.1");
    for (int i = 0; i < 3; ++i)
        table.login_failed(guesser, start);
    for (std::uint32_t n = 0; n < 200'000; ++n) {
        (void)table.begin_handshake(stranger(0x5000'0000 + n),
                                    start + std::chrono::microseconds{n});
        auto passing =
            table.connect(stranger(0x6000'0000 + n), start + std::chrono::microseconds{n});
    }
    REQUIRE(table.begin_login(guesser, start + 1s).wait == 1s);
    REQUIRE(table.survey(10, start + 1s).busiest.front().delayed);
}

TEST_CASE("A survey tells how far each limit is used, and by whom") {
    auto with = limits();
    with.logins = {1, 60s, 4};
    Table table(with);
    const auto greedy = address("10.0.0.1");
    const auto guesser = address("2001:db8::7");
    std::vector<AddressTable::Place> held;
    for (int i = 0; i < 3; ++i)
        held.push_back(table.connect(greedy, start).value());
    table.refused_connection(greedy, start); // the third has got its error
    for (int i = 0; i < 5; ++i)
        (void)table.begin_handshake(greedy, start);
    for (int i = 0; i < 3; ++i)
        table.login_failed(guesser, start);
    for (int i = 0; i < 5; ++i)
        (void)table.begin_login(guesser, start);
    held.push_back(table.connect(address("10.0.0.3"), start).value());

    const auto survey = table.survey(10, start);
    const auto& [connections, handshakes, logins, failures] = survey.limits;
    REQUIRE((connections.most == 2 && connections.addresses == 1));
    REQUIRE((handshakes.most == 2 && handshakes.addresses == 1));
    REQUIRE((logins.most == 4 && logins.addresses == 1));
    REQUIRE((failures.most == 3 && failures.addresses == 1));
    REQUIRE(connections.most_refused.size() == 1);
    REQUIRE(connections.most_refused[0].address == greedy);
    REQUIRE(handshakes.most_refused[0].refused == AddressTable::Counts{1, 3, 0, 0});
    REQUIRE(logins.most_refused[0].address == address("2001:db8::"));
    REQUIRE(logins.most_refused[0].prefix == 64);
    REQUIRE(failures.most_refused[0].refused == AddressTable::Counts{0, 0, 1, 4});

    REQUIRE(survey.busiest.size() == 3);
    REQUIRE((survey.busiest[0].delayed && survey.busiest[0].waiting == 4));
    REQUIRE(survey.busiest[1].address == greedy);
    REQUIRE(survey.busiest[2].address == address("10.0.0.3"));
    REQUIRE(survey.usage.in_use == 3);

    const auto later = table.survey(10, start + 2500ms);
    REQUIRE(later.limits[1].addresses == 0); // handshakes are allowed again
    REQUIRE(later.busiest[0].waiting == 2);
}

TEST_CASE("Of many addresses a survey lists the first few, and counts all") {
    auto with = limits();
    with.handshakes = {1, 1h, 1};
    Table table(with, 65'536);
    for (std::uint32_t n = 0; n < 5000; ++n)
        for (std::uint32_t times = 0; times <= 1 + n % 100; ++times)
            (void)table.begin_handshake(stranger(n), start);
    const auto survey = table.survey(7, start);
    REQUIRE(survey.limits[1].addresses == 5000);
    REQUIRE(survey.busiest.size() == 7);
    REQUIRE(survey.limits[1].most_refused.size() == 7);
    for (const auto& known : survey.limits[1].most_refused)
        REQUIRE(known.refused[1] == 100);
    REQUIRE(table.survey(0, start).busiest.empty());
}

TEST_CASE("The table agrees with a model that remembers everything") {
    struct Remembered {
        std::deque<AddressTable::Place> places;
        TokenBucket handshakes, logins, failures;
        Clock::time_point next_turn{};
    };
    std::mt19937 random(11);
    for (int round = 0; round < 20; ++round) {
        const AddressLimits with = limits();
        Table table(with, 4096);
        std::map<std::uint32_t, Remembered> model;
        auto now = start;
        for (int step = 0; step < 20'000; ++step) {
            now += std::chrono::milliseconds{random() % 20};
            const auto n = static_cast<std::uint32_t>(random() % 300);
            Remembered& known = model[n];
            switch (random() % 5) {
            case 0: {
                auto place = table.connect(stranger(n), now);
                REQUIRE(place);
                REQUIRE(place->is_over() == (known.places.size() >= with.connections));
                if (!place->is_over()) known.places.push_back(std::move(*place));
                break;
            }
            case 1:
                if (!known.places.empty()) known.places.pop_front();
                break;
            case 2:
                REQUIRE(table.begin_handshake(stranger(n), now) ==
                        known.handshakes.take(with.handshakes, now));
                break;
            case 3: {
                const auto turn = table.begin_login(stranger(n), now);
                if (!known.logins.take(with.logins, now)) {
                    REQUIRE(turn.verdict == Verdict::too_many_logins);
                } else if (!known.failures.is_exceeded(with.failed_logins, now)) {
                    REQUIRE((turn.verdict == Verdict::go && turn.wait == 0s));
                } else if (std::max(known.next_turn, now) + 1s - now > 8s) {
                    REQUIRE(turn.verdict == Verdict::too_many_failures);
                } else {
                    known.next_turn = std::max(known.next_turn, now) + 1s;
                    REQUIRE((turn.verdict == Verdict::go && turn.wait == known.next_turn - now));
                }
                break;
            }
            default:
                table.login_failed(stranger(n), now);
                known.failures.add(with.failed_logins, now);
            }
        }
        REQUIRE(table.usage(now).uncounted == 0);
        REQUIRE(table.usage(now).evicted == 0);
    }
}
