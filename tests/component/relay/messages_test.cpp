// Counting of messages: in the row and in the thread's counters; nothing for passed-through TLS;
// and bytes that are not messages are relayed all the same.
#include "tests/support/relay_fixture.h"

#include <thread>

namespace pgmoat::test {
namespace {

// A message with a correct length.
Bytes message(char type, const Bytes& body) {
    const auto length = static_cast<std::uint32_t>(body.size() + 4);
    Bytes bytes{static_cast<std::uint8_t>(type)};
    for (const int shift : {24, 16, 8, 0})
        bytes.push_back(static_cast<std::uint8_t>(length >> shift));
    bytes.insert(bytes.end(), body.begin(), body.end());
    return bytes;
}
Bytes message(char type, std::string_view text) {
    return message(type, bytes_of(text));
}
Bytes operator+(Bytes left, const Bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

const Bytes query = message('Q', "SELECT 1");
const Bytes answer = message('T', Bytes(30, 0)) + message('D', Bytes(11, 0)) +
                     message('C', Bytes(9, 'x')) + message('Z', "I");
const Bytes failure = message('E', std::string_view("SERROR\0C22012\0\0", 15)) + message('Z', "I");

struct Counted : RelayFixture {
    // Sent by one side and received completely by the other.
    static void pass(Peer& from, Peer& to, const Bytes& bytes) {
        std::thread sender([&] { from.send(bytes); });
        const Bytes got = to.receive(bytes.size());
        sender.join();
        REQUIRE(same(got, bytes));
    }
    static void ask(Ends& ends, const Bytes& reply) {
        pass(ends.client, ends.server, query);
        pass(ends.server, ends.client, reply);
    }
    // The client ends the session: only then are all counts certainly in the block.
    metrics::ListenerCells<std::uint64_t> close(Ends& ends) {
        ends.client.finish();
        ends.server.finish();
        (void)outcome();
        return counters.sum().listeners.front().counts;
    }
};

std::uint64_t of_client(const metrics::ListenerCells<std::uint64_t>& counts, char type) {
    const auto index = metrics::client_message_from(static_cast<std::uint8_t>(type));
    return counts.messages_from_client[static_cast<std::size_t>(index)];
}
std::uint64_t of_server(const metrics::ListenerCells<std::uint64_t>& counts, char type) {
    const auto index = metrics::server_message_from(static_cast<std::uint8_t>(type));
    return counts.messages_from_server[static_cast<std::size_t>(index)];
}
std::uint64_t ended(const metrics::ListenerCells<std::uint64_t>& counts,
                    metrics::TransactionEnd end) {
    return counts.transactions[static_cast<std::size_t>(end)];
}

} // namespace

TEST_CASE("messages are counted where their bytes are seen, and nowhere else") {
    for (const Mode mode : every_mode) {
        INFO(name_of(mode));
        Counted relay;
        Ends ends = relay.connect(mode);
        Counted::ask(ends, answer);
        Counted::ask(ends, failure);
        const auto counts = relay.close(ends);
        const Outcome outcome = relay.outcome();
        const std::uint64_t seen = mode == Mode::passed_through ? 0 : 1;

        CHECK(counts.queries == 2 * seen);
        CHECK(of_client(counts, 'Q') == 2 * seen);
        CHECK(of_server(counts, 'D') == seen);
        CHECK(of_server(counts, 'Z') == 2 * seen);
        CHECK(ended(counts, metrics::TransactionEnd::committed) == seen);
        CHECK(ended(counts, metrics::TransactionEnd::failed) == seen);
        const auto division = static_cast<std::size_t>(metrics::sqlstate_class_from("22"));
        CHECK(counts.server_errors[division] == seen);

        CHECK(outcome.messages_from_client == 2 * seen);
        CHECK(outcome.messages_from_server == 6 * seen);
        CHECK(outcome.queries == 2 * seen);
        CHECK(outcome.transactions == 2 * seen);
        CHECK(counts.bytes[0] == outcome.bytes_from_client);
        CHECK(counts.bytes[1] == outcome.bytes_from_server);
    }
}

TEST_CASE("what came with the hand-over is counted from its first message") {
    for (const Mode mode : {Mode::plain, Mode::tls_both}) {
        INFO(name_of(mode));
        Counted relay;
        Prepared prepared = prepare(mode);
        prepared.channel->client.unread =
            mode == Mode::plain ? query : prepared.ends.client.encrypted(query);
        Ends ends = relay.adopt(std::move(prepared));
        REQUIRE(ends.server.receive(query.size()) == query);
        CHECK(relay.close(ends).queries == 1);
    }
}

TEST_CASE("what the server sent after its ReadyForQuery keeps its place in the count") {
    Counted relay;
    Prepared prepared = prepare(Mode::plain);
    const Bytes notice = message('N', Bytes(40, 'x'));
    // The login relayed its first ten bytes.
    prepared.channel->meter.saw(
        metrics::Side::server, std::span(notice).first(10), relay.counters.block_of_this_thread());
    Ends ends = relay.adopt(std::move(prepared));
    Counted::pass(ends.server, ends.client, Bytes(notice.begin() + 10, notice.end()));
    Counted::ask(ends, answer);
    const auto counts = relay.close(ends);
    CHECK(of_server(counts, 'N') == 1);
    CHECK(of_server(counts, 'Z') == 1);
    CHECK(of_server(counts, '?') == 0);
}

TEST_CASE("a client that sends no messages is relayed and counted no further") {
    for (const Mode mode :
         {Mode::tls_to_client, Mode::tls_both}) { // never spliced, so all messages are seen
        INFO(name_of(mode));
        Counted relay;
        Ends ends = relay.connect(mode);
        Counted::ask(ends, answer);
        Counted::pass(ends.client, ends.server, pattern(7, 300'000));
        Counted::ask(ends, answer);
        const auto counts = relay.close(ends);
        CHECK(relay.outcome().reason == metrics::CloseReason::client_closed);
        CHECK(counts.queries == 1);
        CHECK(of_server(counts, 'Z') == 2);
    }
}

TEST_CASE("after plaintext bulk, which is not seen, counting continues with the next query") {
    Counted relay;
    Ends ends = relay.connect(Mode::plain);
    Bytes rows;
    for (int i = 0; i < 1000; ++i)
        rows = std::move(rows) + message('D', Bytes(10'000, 'x'));
    Counted::ask(ends, rows + answer);
    if (relay.plane.threads()[0].spliced_bytes == 0) return; // the reads were small this time

    for (int i = 0; i < 10; ++i)
        Counted::ask(ends, answer);
    const auto counts = relay.close(ends);
    CHECK(counts.queries == 11);
    // After bulk, answers are not seen until a read ends in ReadyForQuery, which is not seen
    // either.
    const auto all = ended(counts, metrics::TransactionEnd::committed) +
                     ended(counts, metrics::TransactionEnd::unknown);
    CHECK(all >= 6);
    CHECK(all <= 11);
}

} // namespace pgmoat::test
