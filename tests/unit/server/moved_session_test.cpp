// A live session as one message: decoding gives what was encoded; any other input is refused, or
// encodes to itself again.
#include "protocol/frames.h"
#include "proxy/server/limits.h"
#include "proxy/server/moved_session.h"
#include "proxy/server/session_channel.h"
#include "tests/support/catch.h"

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

using namespace pgmoat;
using namespace pgmoat::server;
using protocol::Bytes;
using protocol::ByteView;
using protocol::TrafficObserver;

namespace {

std::shared_ptr<const protocol::ProxyHeader> some_header() {
    protocol::ProxyHeader header;
    header.version = 2;
    header.family = protocol::ProxyHeader::Family::ipv4;
    header.source.address = {10, 0, 0, 7};
    header.source.port = 999;
    header.unique_id = "id-1";
    header.authority = "db.example";
    header.tls.emplace();
    header.tls->tls = true;
    header.tls->version = "TLSv1.3";
    return std::make_shared<const protocol::ProxyHeader>(header);
}

// Every field is set to something.
MovedSession full() {
    MovedSession session;
    telemetry::MovedRow& row = session.row;
    row.id = 4711;
    row.opened = std::chrono::steady_clock::time_point(std::chrono::nanoseconds(123'456'789'000));
    row.traffic = {1, 2, 3, 4, 5, 1ULL << 60};
    row.cancel_process_id = 77;
    row.cancel_key = {1, 2, 3, 4};
    telemetry::SessionFacts& facts = row.facts;
    facts.mode = metrics::Mode::passthrough;
    facts.stage = telemetry::SessionStage::live;
    facts.client_address = "10.0.0.7";
    facts.client_port = 999;
    facts.proxy_address = "10.0.0.1:5";
    facts.proxied = some_header();
    facts.user = "alice";
    facts.database = "orders";
    facts.replication = protocol::Replication::logical;
    facts.application_name = "psql";
    facts.peer_uid = 1000;
    facts.system_user = "alice";
    facts.encryption = telemetry::Encryption::tls;
    facts.client_tls = {"TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, "X25519", "db", "postgresql"};
    facts.listener = "default";
    facts.judged = true;
    facts.rule = "pg_hba.conf:3";
    facts.backend = {"main", "db1", 5432};
    facts.server_address = "10.0.0.5:5432";
    facts.backend_process_id = 77;
    facts.scram = {telemetry::ScramWay::bridged, true, false};
    facts.login_time = std::chrono::milliseconds(12);
    facts.steps = {std::chrono::microseconds(1),
                   std::chrono::microseconds(2),
                   std::chrono::microseconds(3),
                   std::chrono::microseconds(4)};
    session.route = MovedRoute{"main", "db1", 5432, false, *lookups::numeric_address("::1", 5432)};
    session.messages.emplace();
    session.messages->client.header_filled = 3;
    session.messages->client.header = {'Q', 0, 0, 0, 0};
    session.messages->server.body_left = 1000;
    session.messages->ready_owed = 1;
    session.messages->last_request = 'Q';
    session.messages->cycle.completed_one = true;
    session.client = {{1, 2, 3}, Bytes(1000, 7)};
    session.server = {Bytes(500, 9), {4, 5}};
    return session;
}

bool is_same(const telemetry::TlsFacts& a, const telemetry::TlsFacts& b) {
    return std::tie(a.version, a.cipher, a.bits, a.group, a.server_name, a.alpn) ==
           std::tie(b.version, b.cipher, b.bits, b.group, b.server_name, b.alpn);
}

// Decodes and encodes again.
Bytes again(ByteView bytes) {
    const auto session = decode_session(bytes);
    REQUIRE(session);
    const auto written = encode_session(*session);
    REQUIRE(written);
    return *written;
}

} // namespace

TEST_CASE("A moved session arrives as it was") {
    const MovedSession sent = full();
    const auto bytes = encode_session(sent);
    REQUIRE(bytes);
    const auto got = decode_session(*bytes);
    REQUIRE(got);
    const auto& a = sent.row;
    const auto& b = got->row;
    CHECK(a.id == b.id);
    CHECK(a.opened == b.opened);
    CHECK(a.traffic.bytes_from_client == b.traffic.bytes_from_client);
    CHECK(a.traffic.transactions == b.traffic.transactions);
    CHECK(a.cancel_process_id == b.cancel_process_id);
    CHECK(a.cancel_key == b.cancel_key);
    CHECK(a.facts.mode == b.facts.mode);
    CHECK(b.facts.stage == telemetry::SessionStage::live);
    CHECK(a.facts.client_address == b.facts.client_address);
    CHECK(a.facts.client_port == b.facts.client_port);
    CHECK(a.facts.proxy_address == b.facts.proxy_address);
    CHECK(*a.facts.proxied == *b.facts.proxied);
    CHECK(a.facts.user == b.facts.user);
    CHECK(a.facts.database == b.facts.database);
    CHECK(a.facts.replication == b.facts.replication);
    CHECK(a.facts.application_name == b.facts.application_name);
    CHECK(a.facts.peer_uid == b.facts.peer_uid);
    CHECK(a.facts.system_user == b.facts.system_user);
    CHECK(a.facts.encryption == b.facts.encryption);
    CHECK(is_same(a.facts.client_tls, b.facts.client_tls));
    CHECK(is_same(a.facts.server_tls, b.facts.server_tls));
    CHECK(a.facts.listener == b.facts.listener);
    CHECK(b.facts.judged);
    CHECK(a.facts.rule == b.facts.rule);
    CHECK(a.facts.backend.host == b.facts.backend.host);
    CHECK(a.facts.server_address == b.facts.server_address);
    CHECK(a.facts.scram.way == b.facts.scram.way);
    CHECK(b.facts.scram.client_bound);
    CHECK(a.facts.login_time == b.facts.login_time);
    CHECK(a.facts.steps.login == b.facts.steps.login);
    REQUIRE(got->route);
    CHECK(got->route->upstream == "main");
    CHECK(lookups::to_text(got->route->address) == "[::1]:5432");
    CHECK(got->messages == sent.messages);
    CHECK(got->client.unread == sent.client.unread);
    CHECK(got->client.unsent == sent.client.unsent);
    CHECK(got->server.unread == sent.server.unread);
    CHECK(got->server.unsent == sent.server.unsent);
    CHECK(again(*bytes) == *bytes);
}

TEST_CASE("A moved session without route and messages arrives as it was") {
    MovedSession sent = full();
    sent.route.reset();
    sent.messages.reset();
    sent.row.facts.proxied.reset();
    sent.row.facts.peer_uid.reset();
    const auto bytes = encode_session(sent);
    REQUIRE(bytes);
    const auto got = decode_session(*bytes);
    REQUIRE(got);
    CHECK_FALSE(got->route);
    CHECK_FALSE(got->messages);
    CHECK_FALSE(got->row.facts.proxied);
    CHECK_FALSE(got->row.facts.peer_uid);
}

TEST_CASE("A moved session that is cut, or has bytes after its end, is refused") {
    const Bytes bytes = *encode_session(full());
    for (std::size_t size = 0; size < bytes.size(); ++size)
        REQUIRE_FALSE(decode_session(ByteView(bytes).first(size)));
    Bytes longer = bytes;
    longer.push_back(0);
    REQUIRE_FALSE(decode_session(longer));
}

TEST_CASE("A moved session with any bit turned is refused, or says what it was read from") {
    const Bytes bytes = *encode_session(full());
    std::size_t refused = 0;
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        Bytes turned = bytes;
        turned[bit / 8] ^= static_cast<std::uint8_t>(1 << bit % 8);
        const auto got = decode_session(turned);
        if (!got) {
            ++refused;
            continue;
        }
        const auto written = encode_session(*got);
        REQUIRE(written);
        REQUIRE(*written == turned);
    }
    CHECK(refused > 1000); // lengths, flags, enums: their higher bits
}

TEST_CASE("What cannot be moved is not written") {
    MovedSession session = full();
    session.row.facts.client_certificate = std::make_shared<const tls::CertificateFacts>();
    CHECK_FALSE(encode_session(session));
    session = full();
    session.row.facts.user = std::string(moved_text_bytes_max + 1, 'u');
    CHECK_FALSE(encode_session(session));
    session = full();
    session.client.unsent.resize(moved_session_bytes_max);
    CHECK_FALSE(encode_session(session));
    session = full();
    session.row.cancel_key.resize(1000);
    CHECK_FALSE(encode_session(session));
}

TEST_CASE("An observer goes on from the state of another, and from no state that cannot be") {
    using State = TrafficObserver::State;
    const auto with = [](auto change) {
        State state;
        change(state);
        return TrafficObserver::from(state).has_value();
    };
    CHECK(with([](State&) {}));
    CHECK_FALSE(with([](State& state) { state.client.header_filled = 5; }));
    CHECK_FALSE(with([](State& state) { state.server.header_filled = 255; }));
    CHECK_FALSE(with([](State& state) { state.server.body_left = 0xffff'ffff; }));
    CHECK_FALSE(with([](State& state) {
        state.server.body_left = 1;
        state.server.header_filled = 1;
    }));
    CHECK_FALSE(with([](State& state) { state.status = 'X'; }));
    CHECK_FALSE(with([](State& state) { state.peek = static_cast<TrafficObserver::Peek>(7); }));
    CHECK_FALSE(with([](State& state) { state.peeked_bytes = 129; }));
    State odd;
    odd.client.header_filled = 4;
    odd.client.header = {'Q', 0, 0, 1, 0};
    odd.ready_owed = 3;
    odd.peek = TrafficObserver::Peek::field;
    CHECK(TrafficObserver::from(odd)->state() == odd);
}

// --- the socket ---------------------------------------------------------------------------------

namespace {

std::pair<Descriptor, Descriptor> stream_pair() {
    int ends[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
    return {Descriptor(ends[0]), Descriptor(ends[1])};
}

struct Wire {
    ChannelPair pair = open_session_channel();
    std::vector<std::uint8_t> buffer = std::vector<std::uint8_t>(moved_session_bytes_max + 5);
    Descriptor& old_end = pair.ours;
    Descriptor& new_end = pair.successors;
};

} // namespace

TEST_CASE("The new process is known by its hello alone") {
    Wire wire;
    CHECK_FALSE(has_hello(wire.old_end)); // from a program without this feature
    CHECK_FALSE(has_hello(Descriptor()));
    REQUIRE(send_hello(wire.new_end));
    CHECK(has_hello(wire.old_end));
    for (const std::string other : {"pgmoat sessions 2\n", "pgmoat sessions 1\nx", "p"}) {
        REQUIRE(::send(wire.new_end.get(), other.data(), other.size(), 0) > 0);
        CHECK_FALSE(has_hello(wire.old_end));
    }
}

TEST_CASE("A session goes with its two sockets, in one packet") {
    Wire wire;
    auto [client, client_far] = stream_pair();
    auto [server, server_far] = stream_pair();
    const Bytes session = *encode_session(full());
    REQUIRE(send_session(wire.old_end, 42, session, {client.get(), server.get()}) ==
            Transfer::done);
    client.reset();
    server.reset();
    ArrivedSession arrived;
    REQUIRE(receive_session(wire.new_end, wire.buffer, arrived) == Transfer::done);
    CHECK(arrived.number == 42);
    CHECK(Bytes(arrived.session.begin(), arrived.session.end()) == session);
    REQUIRE(arrived.client);
    REQUIRE(arrived.server);
    CHECK(::send(arrived.client.get(), "c", 1, 0) == 1);
    char byte = 0;
    CHECK(::recv(client_far.get(), &byte, 1, 0) == 1);
    CHECK(byte == 'c');
    CHECK(receive_session(wire.new_end, wire.buffer, arrived) == Transfer::not_now);
    wire.old_end.reset();
    CHECK(receive_session(wire.new_end, wire.buffer, arrived) == Transfer::failed);
}

TEST_CASE("The largest session fits into the socket") {
    Wire wire;
    auto [client, client_far] = stream_pair();
    MovedSession large = full();
    large.client.unsent.resize(160UL * 1024);
    const auto session = encode_session(large);
    REQUIRE(session);
    REQUIRE(send_session(wire.old_end, 1, *session, {client.get(), client_far.get()}) ==
            Transfer::done);
    const Bytes most(moved_session_bytes_max);
    ArrivedSession arrived;
    REQUIRE(receive_session(wire.new_end, wire.buffer, arrived) == Transfer::done);
    CHECK(decode_session(arrived.session));
    REQUIRE(send_session(wire.old_end, 2, most, {client.get(), client_far.get()}) ==
            Transfer::done);
}

TEST_CASE("What is no session is garbage, and no socket of it stays open") {
    Wire wire;
    ArrivedSession arrived;
    REQUIRE(::send(wire.old_end.get(), "x1234", 5, 0) == 5);
    CHECK(receive_session(wire.new_end, wire.buffer, arrived) == Transfer::garbage);
    REQUIRE(::send(wire.old_end.get(), "s123", 4, 0) == 4);
    CHECK(receive_session(wire.new_end, wire.buffer, arrived) == Transfer::garbage);
    REQUIRE(::send(wire.old_end.get(), "s1234", 5, 0) == 5); // without sockets
    CHECK(receive_session(wire.new_end, wire.buffer, arrived) == Transfer::done);
    CHECK_FALSE(arrived.client);
    // A datagram socket cannot be a leg of a session.
    auto [client, client_far] = stream_pair();
    const Descriptor datagrams(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    const Bytes session{1};
    REQUIRE(send_session(wire.old_end, 1, session, {client.get(), datagrams.get()}) ==
            Transfer::done);
    client.reset();
    CHECK(receive_session(wire.new_end, wire.buffer, arrived) == Transfer::done);
    CHECK_FALSE(arrived.client);
    char byte = 0;
    CHECK(::recv(client_far.get(), &byte, 1, MSG_DONTWAIT) == 0); // the other end was closed
}

TEST_CASE("Answers that were sent count to the last, and none can be sent after the end") {
    Wire wire;
    Answer answer;
    CHECK(receive_answer(wire.old_end, answer) == Transfer::not_now);
    REQUIRE(send_answer(wire.new_end, {7, true}));
    REQUIRE(send_answer(wire.new_end, {8, false}));
    SECTION("the old process ends it") {
        close_answers(wire.old_end);
        CHECK_FALSE(send_answer(wire.new_end, {9, true}));
    }
    SECTION("the new process has gone, with a message that it had not read") {
        auto [client, client_far] = stream_pair();
        const Bytes session{1};
        REQUIRE(send_session(wire.old_end, 9, session, {client.get(), client_far.get()}) ==
                Transfer::done);
        wire.new_end.reset();
        CHECK(send_session(wire.old_end, 9, session, {client.get(), client_far.get()}) ==
              Transfer::failed);
        close_answers(wire.old_end);
    }
    REQUIRE(receive_answer(wire.old_end, answer) == Transfer::done);
    CHECK(answer.number == 7);
    CHECK(answer.taken);
    REQUIRE(receive_answer(wire.old_end, answer) == Transfer::done);
    CHECK(answer.number == 8);
    CHECK_FALSE(answer.taken);
    CHECK(receive_answer(wire.old_end, answer) == Transfer::failed);
}

TEST_CASE("An unknown answer is garbage, and those after it are still read") {
    Wire wire;
    Answer answer;
    REQUIRE(::send(wire.new_end.get(), "y12345", 6, 0) == 6);
    REQUIRE(send_answer(wire.new_end, {7, true}));
    CHECK(receive_answer(wire.old_end, answer) == Transfer::garbage);
    CHECK(receive_answer(wire.old_end, answer) == Transfer::done);
}
