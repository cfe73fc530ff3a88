// Channels that leave a plane for another process: with all bytes that are buffered for their
// peers, at any moment of a transfer, and only those that can continue there.
#include "tests/support/relay_fixture.h"
#include "tests/support/take_channel.h"

#include <atomic>
#include <future>
#include <stdexcept>
#include <thread>

using namespace pgmoat;
using namespace pgmoat::test;
using relay::Whom;

namespace {

using Channels = std::vector<std::unique_ptr<relay::Channel>>;

// Sends until no more is accepted for a while; returns how much of `source` was sent.
std::size_t fill(Peer& peer, const Bytes& source) {
    std::size_t sent = 0;
    for (int idle = 0; idle < 30 && sent < source.size();) {
        const ssize_t count = ::send(peer.socket(),
                                     source.data() + sent,
                                     std::min<std::size_t>(65'536, source.size() - sent),
                                     MSG_NOSIGNAL | MSG_DONTWAIT);
        if (count > 0) {
            sent += static_cast<std::size_t>(count);
            idle = 0;
            continue;
        }
        ++idle;
        std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
    return sent;
}

Bytes idle_server() { // what a server sends when it is idle
    return {'Z', 0, 0, 0, 5, 'I'};
}

} // namespace

TEST_CASE("A channel leaves with all that it holds for peers that take nothing") {
    for (const auto sockets : {tcp_pair, unix_pair}) {
        RelayFixture before;
        RelayFixture after;
        Prepared prepared = prepare(Mode::plain, sockets);
        Ends ends = before.adopt(std::move(prepared));
        const Bytes up = pattern(11, 64UL << 20);
        const Bytes down = pattern(12, 64UL << 20);
        const std::size_t sent_up = fill(ends.client, up);
        const std::size_t sent_down = fill(ends.server, down);
        REQUIRE(sent_up > 0);
        REQUIRE(sent_down > 0);

        auto channel = take_soon(before.plane);
        REQUIRE(channel);
        REQUIRE(channel->client.unsent.size() + channel->client.unread.size() > 0);
        REQUIRE(channel->server.unsent.size() + channel->server.unread.size() > 0);
        REQUIRE(before.plane.threads().front().channels == 0);
        REQUIRE(before.plane.threads().front().buffered_bytes == 0);
        REQUIRE(before.plane.threads().front().pipes_in_use == 0);
        after.plane.adopt(std::move(channel));
        REQUIRE(same(ends.server.receive(sent_up), Bytes(up.begin(), up.begin() + sent_up)));
        REQUIRE(
            same(ends.client.receive(sent_down), Bytes(down.begin(), down.begin() + sent_down)));

        ends.client.finish();
        REQUIRE(ends.server.receive_all().empty());
        ends.server.close();
        ends.client.close();
        const Outcome outcome = after.outcome();
        CHECK(outcome.bytes_from_client == sent_up);
        CHECK(outcome.bytes_from_server == sent_down);
        CHECK(before.ended.count() == 0);
    }
}

TEST_CASE("Transfers in both directions go on while their channel moves again and again") {
    for (const Mode mode : {Mode::plain, Mode::passed_through}) {
        INFO(name_of(mode));
        RelayFixture one;
        RelayFixture two;
        Ends ends = one.connect(mode);
        constexpr std::size_t total = 48UL << 20;
        std::atomic<int> under_way{4};
        std::atomic<bool> wrong{false};
        // A TLS peer can only be used by one thread at a time, so each direction gets raw bytes.
        const auto sends = [&](int socket, std::uint64_t seed) {
            Pattern source(seed);
            std::size_t piece = 1;
            for (std::size_t left = total; left > 0;) {
                piece = piece * 7 % 90'001 + 1; // small ones and large ones
                const Bytes bytes = source.next(std::min(piece, left));
                left -= bytes.size();
                for (std::size_t done = 0; done < bytes.size();) {
                    const ssize_t count =
                        ::send(socket, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
                    if (count <= 0) {
                        wrong = true;
                        --under_way;
                        return;
                    }
                    done += static_cast<std::size_t>(count);
                }
            }
            --under_way;
        };
        const auto receives = [&](int socket, std::uint64_t seed) {
            Pattern source(seed);
            Bytes room(50'000);
            for (std::size_t left = total; left > 0;) {
                const ssize_t count = ::recv(socket, room.data(), std::min(room.size(), left), 0);
                if (count <= 0 ||
                    !source.matches(std::span(room).first(static_cast<std::size_t>(count)))) {
                    wrong = true;
                    break;
                }
                left -= static_cast<std::size_t>(count);
            }
            --under_way;
        };
        std::thread threads[] = {std::thread(sends, ends.client.socket(), 21),
                                 std::thread(receives, ends.server.socket(), 21),
                                 std::thread(sends, ends.server.socket(), 22),
                                 std::thread(receives, ends.client.socket(), 22)};
        std::size_t moves = 0;
        RelayFixture* has_it = &one;
        RelayFixture* other = &two;
        while (under_way > 0 && !wrong) {
            auto channel = take_one(has_it->plane);
            if (!channel) continue;
            other->plane.adopt(std::move(channel));
            std::swap(has_it, other);
            ++moves;
            std::this_thread::sleep_for(std::chrono::milliseconds(moves % 3));
        }
        if (wrong) {
            ::shutdown(ends.client.socket(), SHUT_RDWR);
            ::shutdown(ends.server.socket(), SHUT_RDWR);
        }
        for (std::thread& thread : threads)
            thread.join();
        INFO(moves);
        REQUIRE_FALSE(wrong);
        REQUIRE(moves >= 10);
        ends.client.close();
        ends.server.close();
        const Outcome outcome = has_it->outcome();
        CHECK(outcome.bytes_from_client == total);
        CHECK(outcome.bytes_from_server == total);
    }
}

TEST_CASE("The messages of a channel are counted on where they were") {
    RelayFixture before;
    RelayFixture after;
    Ends ends = before.connect(Mode::plain);
    const Bytes query{'Q', 0, 0, 0, 9, 'a', 'b', 'c', 'd', 0};
    ends.client.send(std::span(query).first(3)); // in the middle of a header
    REQUIRE(ends.server.receive(3).size() == 3);
    auto channel = take_soon(before.plane);
    REQUIRE(channel);
    const auto state = channel->meter.state();
    REQUIRE(state);
    REQUIRE(state->client.header_filled == 3);
    const auto observer = protocol::TrafficObserver::from(*state);
    REQUIRE(observer);
    channel->meter = relay::TrafficMeter(
        *channel->row, metrics::ListenerId{}, relay::TrafficMeter::Content::messages);
    channel->meter.go_on_with(*observer);
    after.plane.adopt(std::move(channel));
    ends.client.send(std::span(query).subspan(3));
    REQUIRE(ends.server.receive(query.size() - 3).size() == query.size() - 3);
    ends.server.send(idle_server());
    REQUIRE(ends.client.receive(6) == idle_server());
    after.plane.close_all_when_idle({metrics::CloseReason::drain, "leave"});
    const Bytes words = ends.client.receive_all();
    REQUIRE(words.size() > 0);
    CHECK(words.front() == 'E');
    const Outcome outcome = after.outcome();
    CHECK(outcome.queries == 1);
    CHECK(outcome.messages_from_client == 1);
    CHECK(outcome.reason == metrics::CloseReason::drain);
}

TEST_CASE("Only a channel that can go on elsewhere leaves") {
    RelayFixture relay;
    SECTION("not with TLS of ours") {
        for (const Mode mode : {Mode::tls_to_client, Mode::tls_to_server, Mode::tls_both}) {
            INFO(name_of(mode));
            Ends ends = relay.connect(mode);
            REQUIRE_FALSE(take_one(relay.plane));
            REQUIRE(ends.client.send("on"));
            REQUIRE(ends.server.receive_text(2) == "on");
        }
    }
    SECTION("not when it was refused elsewhere") {
        Prepared prepared = prepare(Mode::plain);
        prepared.channel->stays = true;
        Ends ends = relay.adopt(std::move(prepared));
        REQUIRE_FALSE(take_one(relay.plane));
    }
    SECTION("not when it is ending") {
        Ends ends = relay.connect(Mode::plain);
        ends.client.finish();
        REQUIRE(ends.server.receive_all().empty());
        REQUIRE_FALSE(take_one(relay.plane));
        REQUIRE(ends.server.send("the rest"));
        REQUIRE(ends.client.receive_text(8) == "the rest");
    }
    SECTION("not when it was told to leave when it is idle") {
        Prepared prepared = prepare(Mode::plain);
        prepared.channel->id = 5;
        Ends ends = relay.adopt(std::move(prepared));
        REQUIRE(ends.client.send(Bytes{'Q', 0, 0, 0, 5, 0}));
        REQUIRE(ends.server.receive(6).size() == 6);
        const std::uint64_t id = 5;
        relay.plane.close({&id, 1}, {metrics::CloseReason::lifetime, "too old"}, relay::When::idle);
        REQUIRE_FALSE(take_one(relay.plane));
        REQUIRE(ends.server.send(idle_server()));
        REQUIRE(relay.outcome().reason == metrics::CloseReason::lifetime);
    }
}

TEST_CASE("Sessions that can move are not told to leave until all others are") {
    RelayFixture relay;
    const relay::Ended drain{metrics::CloseReason::drain, "leave"};
    Ends sealed = relay.connect(Mode::tls_to_client);
    Ends clear = relay.connect(Mode::plain);
    relay.plane.close_all_when_idle(drain, Whom::who_stays);
    REQUIRE(sealed.client.receive_all().front() == 'E');
    REQUIRE(relay.ended.wait_for(1).size() == 1);
    Ends later = relay.connect(Mode::plain);
    for (Ends* ends : {&clear, &later}) {
        REQUIRE(ends->client.send(Bytes{'Q', 0, 0, 0, 5, 0}));
        REQUIRE(ends->server.receive(6).size() == 6);
        REQUIRE(ends->server.send(idle_server()));
        REQUIRE(ends->client.receive(6) == idle_server());
    }
    Prepared refused = prepare(Mode::plain);
    refused.channel->stays = true;
    Ends stays = relay.adopt(std::move(refused));
    REQUIRE(stays.client.receive_all().front() == 'E');
    REQUIRE(relay.ended.wait_for(2).size() == 2);
    relay.plane.close_all_when_idle(drain, Whom::all);
    REQUIRE(clear.client.receive_all().front() == 'E');
    REQUIRE(later.client.receive_all().front() == 'E');
    REQUIRE(relay.ended.wait_for(4).size() == 4);
}

TEST_CASE("A channel that no process takes continues") {
    RelayFixture relay;
    Ends ends = relay.connect(Mode::plain);
    const auto still_works = [&] {
        REQUIRE(ends.client.send("query"));
        REQUIRE(ends.server.receive_text(5) == "query");
        REQUIRE(ends.server.send("answer"));
        REQUIRE(ends.client.receive_text(6) == "answer");
    };
    std::promise<std::size_t> offered;
    relay.plane.give_away(0, 8, [&](Channels& channels) { offered.set_value(channels.size()); });
    REQUIRE(offered.get_future().get() == 1);
    still_works();
    std::promise<void> thrown;
    relay.plane.give_away(0, 8, [&](Channels&) {
        thrown.set_value();
        throw std::runtime_error("no");
    });
    thrown.get_future().get();
    still_works();
    REQUIRE(relay.ended.count() == 0);
}
