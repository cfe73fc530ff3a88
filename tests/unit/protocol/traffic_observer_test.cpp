// TrafficObserver: what is counted of a session, however it is cut, and how transactions ended.
#include "protocol/traffic_observer.h"
#include "tests/support/catch.h"
#include "tests/support/server_message_builders.h"
#include "tests/support/traffic_run.h"

#include <string>
#include <vector>

namespace pgmoat::tests {
namespace {

using protocol::TrafficObserver;
using Ended = std::map<protocol::TransactionEnd, std::uint64_t>;
using Errors = std::map<std::string, std::uint64_t>;
constexpr auto committed = protocol::TransactionEnd::committed;
constexpr auto rolled_back = protocol::TransactionEnd::rolled_back;
constexpr auto failed = protocol::TransactionEnd::failed;
constexpr auto unknown = protocol::TransactionEnd::unknown;

Bytes query(std::string_view text) {
    return message('Q', c_string(text));
}
Bytes completed(std::string_view tag) {
    return message('C', c_string(tag));
}
Bytes ready(char status) {
    return message('Z', Bytes{static_cast<std::uint8_t>(status)});
}
Bytes error(const std::string& sqlstate) {
    return error_response({{'S', "ERREUR"}, {'V', "ERROR"}, {'C', sqlstate}, {'M', "bad"}});
}
Bytes rows(int count) {
    Bytes bytes;
    for (int i = 0; i < count; ++i)
        bytes = std::move(bytes) + message('D', Bytes(static_cast<std::size_t>(i % 7), 'D'));
    return bytes;
}

} // namespace

TEST_CASE("messages of both sides are counted by type however the streams are cut") {
    const Bytes client = query("SELECT 1") + message('P', Bytes(30, 'x')) + message('B') +
                         message('E') + message('S') + query("SELECT 2") + message('X');
    for (const Cut& cut : every_cut(client)) {
        const TrafficSeen seen = watch_client(cut);
        CHECK(seen.from_client == std::map<char, std::uint64_t>{
                                      {'Q', 2}, {'P', 1}, {'B', 1}, {'E', 1}, {'S', 1}, {'X', 1}});
        CHECK(seen.from_server.empty());
    }
    const Bytes server = message('T', Bytes(20, 'Z')) + rows(9) + completed("SELECT 9") +
                         ready('I') + message('A') + error("42P01") + ready('I');
    for (const Cut& cut : every_cut(server)) {
        const TrafficSeen seen = watch_server(cut);
        CHECK(seen.from_server == std::map<char, std::uint64_t>{
                                      {'T', 1}, {'D', 9}, {'C', 1}, {'Z', 2}, {'A', 1}, {'E', 1}});
        CHECK(seen.errors == Errors{{"42", 1}});
        CHECK(seen.ended == Ended{{committed, 1}, {failed, 1}});
    }
}

TEST_CASE("rows of COPY are passed over, and what follows is counted") {
    const Bytes data =
        message('d', bytes_of("1\t2\n")) + message('d') + message('d', Bytes(100, 'd'));
    const Bytes copy_in = data + message('c') + query("x");
    for (const Cut& cut : every_cut(copy_in))
        CHECK(watch_client(cut).from_client == std::map<char, std::uint64_t>{{'c', 1}, {'Q', 1}});
    const Bytes copy_out =
        message('H', Bytes(7, 0)) + data + message('c') + completed("COPY 3") + ready('I');
    for (const Cut& cut : every_cut(copy_out)) {
        const TrafficSeen seen = watch_server(cut);
        CHECK(seen.from_server ==
              std::map<char, std::uint64_t>{{'H', 1}, {'c', 1}, {'C', 1}, {'Z', 1}});
        CHECK(seen.ended == Ended{{committed, 1}});
    }
}

TEST_CASE("an error is counted by the class of its SQLSTATE, once") {
    struct Case {
        const char* what;
        Bytes bytes;
        std::string sqlstate_class;
    };
    const std::string none(2, '\0');
    const std::vector<Case> cases{
        {"as PostgreSQL sends it", error("23505"), "23"},
        {"without the severity in English", error_response({{'S', "E"}, {'C', "XX000"}}), "XX"},
        {"the SQLSTATE first", error_response({{'C', "0A000"}, {'S', "ERROR"}}), "0A"},
        {"no SQLSTATE", error_response({{'S', "ERROR"}, {'M', "C42"}}), none},
        {"an empty one", error_response({{'C', ""}, {'M', "x"}}), none},
        {"no fields", message('E', Bytes{0}), none},
        {"no body", message('E'), none},
        {"cut off in the SQLSTATE", message('E', bytes_of("C4")), none},
        {"too far behind", error_response({{'S', std::string(200, 'C')}, {'C', "42601"}}), none},
    };
    for (const Case& given : cases) {
        INFO(given.what);
        const Bytes stream = given.bytes + ready('I');
        for (const Cut& cut : every_cut(stream)) {
            const TrafficSeen seen = watch_server(cut);
            CHECK(seen.errors == Errors{{given.sqlstate_class, 1}});
            CHECK(seen.from_server == std::map<char, std::uint64_t>{{'E', 1}, {'Z', 1}});
        }
    }
}

TEST_CASE("a transaction ends as headers and the status byte tell") {
    struct Case {
        const char* what;
        Bytes server;
        Ended ended;
    };
    const Bytes begun = completed("BEGIN") + ready('T');
    const std::vector<Case> cases{
        {"a statement alone", completed("INSERT 0 1") + ready('I'), {{committed, 1}}},
        {"one whose tag is as long as ROLLBACK",
         completed("SELECT 1") + ready('I'),
         {{committed, 1}}},
        {"a statement alone that fails", error("42601") + ready('I'), {{failed, 1}}},
        {"a block in progress", begun + completed("SELECT 1") + ready('T'), {}},
        {"COMMIT", begun + completed("COMMIT") + ready('I'), {{committed, 1}}},
        {"ROLLBACK", begun + completed("ROLLBACK") + ready('I'), {{rolled_back, 1}}},
        {"a failed block",
         begun + error("22012") + ready('E') + completed("ROLLBACK") + ready('I'),
         {{failed, 1}}},
        {"COMMIT that fails", begun + error("23503") + ready('I'), {{failed, 1}}},
        {"a block that went back to a savepoint",
         begun + error("22012") + ready('E') + completed("ROLLBACK") + ready('T') +
             completed("COMMIT") + ready('I'),
         {{committed, 1}}},
        {"a block in one message",
         completed("BEGIN") + completed("INSERT 0 1") + completed("COMMIT") + ready('I'),
         {{committed, 1}}},
        {"a block in one message, with ROLLBACK in it",
         completed("BEGIN") + completed("INSERT 0 1") + completed("ROLLBACK") + ready('I'),
         {{unknown, 1}}},
        {"a batch",
         completed("INSERT 0 1") + completed("INSERT 0 1") + ready('I'),
         {{committed, 1}}},
        {"a batch whose tags are as long as ROLLBACK",
         completed("UPDATE 1") + completed("DELETE 1") + completed("SELECT 1") + ready('I'),
         {{committed, 1}}},
        {"a tag as long as ROLLBACK that is cut off", framed_as('C', 13), {}},
        {"a function call", message('V', Bytes(4, 0)) + ready('I'), {{committed, 1}}},
        {"a portal that was not read to its end", message('s') + ready('I'), {{committed, 1}}},
        {"nothing but Parse", message('1') + ready('I'), {}},
        {"an empty query", message('I') + ready('I'), {}},
        {"ready without a status", completed("SELECT 1") + message('Z') + ready('I'), {}},
    };
    for (const Case& given : cases) {
        INFO(given.what);
        for (const Cut& cut : every_cut(given.server))
            CHECK(watch_server(cut).ended == given.ended);
    }
}

TEST_CASE("after an impossible length nothing is counted in that direction") {
    TrafficObserver observer;
    TrafficSeen seen;
    const Bytes nonsense = query("x") + bytes_of("GET / HTTP/1.1\r\n\r\n") + query("y");
    observer.from_client(nonsense, seen);
    observer.from_client(query("z"), seen);
    observer.from_server(completed("SELECT 1") + ready('I'), seen);
    observer.from_client(query("z"), seen);
    CHECK(seen.from_client == std::map<char, std::uint64_t>{{'Q', 1}});
    CHECK(seen.ended == Ended{{committed, 1}});
}

TEST_CASE("an unknown type is reported as it is") {
    const Bytes stream = message('?', Bytes(3, 'x')) + query("x");
    CHECK(watch_client({stream}).from_client == std::map<char, std::uint64_t>{{'?', 1}, {'Q', 1}});
}

TEST_CASE("unseen bytes of one body do not disturb the count") {
    TrafficObserver observer;
    TrafficSeen seen;
    observer.from_client(framed_as('Q', 4 + 1'000'000), seen);
    observer.client_sent_unseen(999'999);
    observer.from_client(Bytes{0} + query("x"), seen);
    CHECK(seen.from_client['Q'] == 2);

    observer.from_server(framed_as('D', 4 + 1'000'000), seen);
    observer.server_sent_unseen(1'000'000);
    observer.from_server(ready('I'), seen);
    CHECK(seen.from_server == std::map<char, std::uint64_t>{{'D', 1}, {'Z', 1}});
}

TEST_CASE("after unseen messages counting goes on when the server is ready") {
    TrafficObserver observer;
    TrafficSeen seen;
    observer.client_sent_unseen(1);
    observer.server_sent_unseen(1);
    observer.from_client(query("not known where it begins"), seen);
    observer.from_server(rows(3) + bytes_of("anything"), seen);
    observer.from_server(completed("COPY 5"), seen);
    CHECK(seen == TrafficSeen{});

    observer.from_server(bytes_of("anything") + ready('T'), seen);
    observer.from_client(query("COMMIT"), seen);
    observer.from_server(completed("COMMIT") + ready('I'), seen);
    CHECK(seen.from_client == std::map<char, std::uint64_t>{{'Q', 1}});
    CHECK(seen.from_server == std::map<char, std::uint64_t>{{'C', 1}, {'Z', 2}});
    CHECK(seen.ended == Ended{{committed, 1}});
}

TEST_CASE("the end of a transaction is reported even if the rest was not seen") {
    TrafficObserver observer;
    TrafficSeen seen;
    observer.server_sent_unseen(100'000);
    observer.from_server(bytes_of("anything") + ready('I'), seen);
    CHECK(seen.ended == Ended{{unknown, 1}});
    CHECK(seen.from_server == std::map<char, std::uint64_t>{{'Z', 1}});
}

TEST_CASE("a client that was met in the middle of a message is looked for again") {
    TrafficObserver observer;
    TrafficSeen seen;
    observer.client_sent_unseen(1);
    observer.from_server(ready('I'), seen); // pipelined: the rest of a long row follows
    observer.from_client(bytes_of("E5\tsome row of a COPY"), seen);
    observer.from_server(ready('I'), seen);
    observer.from_client(query("x"), seen);
    observer.from_server(completed("SELECT 1") + ready('I'), seen);
    observer.from_client(query("y"), seen);
    CHECK(seen.from_client['Q'] == 2);
}

TEST_CASE("nothing that went by unseen changes nothing") {
    TrafficObserver observer;
    TrafficSeen seen;
    const Bytes stream = error("23505") + ready('I');
    observer.from_server(protocol::ByteView(stream).first(8), seen);
    observer.server_sent_unseen(0);
    observer.from_server(protocol::ByteView(stream).subspan(8), seen);
    CHECK(seen.errors == Errors{{"23", 1}});
}

TEST_CASE("a session is idle when the server said so and nothing was asked since") {
    struct Step {
        char from; // c, s
        Bytes bytes;
        bool idle;
    };
    struct Case {
        const char* what;
        std::vector<Step> steps;
    };
    const Bytes parse_to_execute = message('P') + message('B') + message('D') + message('E');
    const Bytes row = message('d', Bytes(100, 'x'));
    const Case cases[] = {
        {"a query",
         {{'c', query("x"), false}, {'s', completed("SELECT 1"), false}, {'s', ready('I'), true}}},
        {"half a message of the client's", {{'c', Bytes{'Q', 0}, false}}},
        {"half a message of the server's", {{'s', Bytes{'A', 0}, false}}},
        {"a notice, out of the blue", {{'s', message('N', Bytes(20, 'x')), true}}},
        {"a block",
         {{'c', query("BEGIN"), false},
          {'s', completed("BEGIN") + ready('T'), false},
          {'c', query("COMMIT"), false},
          {'s', completed("COMMIT") + ready('I'), true}}},
        {"a failed block",
         {{'c', query("BEGIN"), false}, {'s', error("42P01") + ready('E'), false}}},
        {"the extended protocol",
         {{'c', parse_to_execute, false},
          {'c', message('H'), false},
          {'s', completed("SELECT 1"), false},
          {'c', message('S'), false},
          {'s', ready('I'), true}}},
        {"Parse behind a Sync",
         {{'c', parse_to_execute + message('S') + message('P'), false},
          {'s', completed("SELECT 1") + ready('I'), false}}},
        {"three queries sent ahead",
         {{'c', query("1") + query("2") + message('S'), false},
          {'s', ready('I'), false},
          {'s', ready('I'), false},
          {'s', ready('I'), true}}},
        {"COPY in",
         {{'c', query("COPY t FROM STDIN"), false},
          {'s', message('G', Bytes(3)), false},
          {'c', row + row, false},
          {'c', message('c'), false},
          {'s', completed("COPY 2") + ready('I'), true}}},
        {"COPY in by the extended protocol: its first Sync is not answered",
         {{'c', parse_to_execute + message('S'), false},
          {'s', message('G', Bytes(3)), false},
          {'c', row + message('c'), false},
          {'c', message('S'), false},
          {'s', completed("COPY 1") + ready('I'), true}}},
        {"COPY out",
         {{'c', query("COPY t TO STDOUT"), false},
          {'s', message('H', Bytes(3)) + row, false},
          {'s', message('c') + completed("COPY 1") + ready('I'), true}}},
        {"replication",
         {{'c', query("START_REPLICATION"), false},
          {'s', message('W', Bytes(3)) + row, false},
          {'c', row, false}}},
        {"a stream that is none", {{'c', Bytes(20, 0), false}}},
    };
    for (const Case& given : cases) {
        INFO(given.what);
        TrafficObserver observer;
        TrafficSeen seen;
        CHECK(observer.idle());
        for (const Step& step : given.steps) {
            if (step.from == 'c')
                observer.from_client(step.bytes, seen);
            else
                observer.from_server(step.bytes, seen);
            CHECK(observer.idle() == step.idle);
        }
    }
}

TEST_CASE("whether a session is idle is known again when its server is ready") {
    TrafficObserver observer;
    TrafficSeen seen;
    observer.from_client(query("COPY t FROM STDIN"), seen);
    observer.client_sent_unseen(1'000'000);
    CHECK(!observer.idle());
    observer.from_server(completed("COPY 5") + ready('I'), seen);
    CHECK(observer.idle());
    observer.from_client(query("x"), seen);
    CHECK(!observer.idle());
    observer.server_sent_unseen(1'000'000);
    observer.from_server(rows(3) + ready('I'), seen);
    CHECK(observer.idle());
}

TEST_CASE("a client that was lost is found again when a server that was not says it is ready") {
    TrafficObserver observer;
    TrafficSeen seen;
    observer.client_sent_unseen(1);
    observer.from_server(completed("COPY 5") + ready('I'), seen);
    observer.from_client(query("x"), seen);
    CHECK(seen.from_client == std::map<char, std::uint64_t>{{'Q', 1}});
}

} // namespace pgmoat::tests
