// The query protocols, as conversations: what a client says, and what it is answered, one letter
// for each message.
#include "protocol/messages.h"
#include "proxy/admin/console/limits.h"
#include "proxy/admin/console/run_statement.h"
#include "proxy/admin/console/wire_session.h"
#include "tests/support/catch.h"
#include "tests/unit/console/fake_backend.h"

#include <algorithm>
#include <string>

using namespace pgmoat;
using namespace pgmoat::admin;
using namespace std::string_literals;

namespace {

std::string message(char type, const std::string& body) {
    protocol::Bytes length;
    protocol::append_uint32(length, static_cast<std::uint32_t>(4 + body.size()));
    return type + std::string(length.begin(), length.end()) + body;
}

std::string query(const std::string& text) {
    return message('Q', text + '\0');
}
std::string parse(const std::string& name, const std::string& text) {
    return message('P', name + '\0' + text + "\0\0\0"s);
}
std::string bind_portal(const std::string& portal, const std::string& name, bool binary = false) {
    return message('B', portal + '\0' + name + "\0\0\0\0\0"s + (binary ? "\0\1\0\1"s : "\0\0"s));
}
std::string describe(char target, const std::string& name) {
    return message('D', target + name + '\0');
}
std::string execute(const std::string& portal, char rows = 0) {
    return message('E', portal + "\0\0\0\0"s + rows);
}
const std::string end_of_batch = message('S', "");

// A session with a server behind that has nobody connected.
class Conversation {
  public:
    // The answer as it came, and its messages' letters.
    std::string say(const std::string& bytes) {
        session_.feed({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
        protocol::Bytes out;
        answer.clear();
        most_at_once = 0;
        for (;;) {
            const WireSession::Step step = session_.next(out);
            if (const auto* run = std::get_if<WireSession::Run>(&step)) {
                session_.finish(run_statement(run->statement, {"bob", Role::console_user}, backend),
                                out);
                continue;
            }
            most_at_once = std::max(most_at_once, out.size());
            answer.append(out.begin(), out.end());
            out.clear();
            if (std::holds_alternative<WireSession::Send>(step)) continue;
            over = std::holds_alternative<WireSession::Over>(step);
            return letters();
        }
    }

    FakeBackend backend;
    std::string answer;
    std::size_t most_at_once = 0; // bytes that were to be sent
    bool over = false;

  private:
    // With the status behind Z.
    std::string letters() const {
        std::string types;
        for (std::size_t at = 0; at < answer.size();) {
            types += answer[at];
            if (answer[at] == 'Z') types += answer[at + 5];
            const auto* length = reinterpret_cast<const std::uint8_t*>(answer.data()) + at + 1;
            at += 1 + protocol::read_uint32({length, 4});
        }
        return types;
    }

    WireSession session_;
};

bool has(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("A simple query is answered with a description, rows, a tag and the status") {
    Conversation psql;
    REQUIRE(psql.say(query("SHOW VERSION")) == "TDCZI");
    REQUIRE(has(psql.answer, "SHOW"));
    REQUIRE(psql.say(query("SHOW CONNECTIONS")) == "TCZI");
    REQUIRE(psql.say(query("")) == "IZI");
    REQUIRE(psql.say(query("RELOAD")) == "CZI");
    REQUIRE(psql.say(query("SELECT 1; SELECT 2")) == "TDCTDCZI");
}

TEST_CASE("The first error ends a simple query") {
    Conversation psql;
    REQUIRE(psql.say(query("SELECT 1; FROB; RELOAD")) == "TDCEZI");
    REQUIRE(has(psql.answer, "42601"));
    REQUIRE(psql.backend.asked.empty());
}

TEST_CASE("A failed transaction runs nothing until it ends") {
    Conversation driver;
    REQUIRE(driver.say(query("BEGIN")) == "CZT");
    REQUIRE(driver.say(query("FROB")) == "EZE");
    REQUIRE(driver.say(query("RELOAD")) == "EZE");
    REQUIRE(has(driver.answer, "25P02"));
    REQUIRE(driver.say(query("ROLLBACK")) == "CZI");
    REQUIRE(driver.say(query("SELECT 1")) == "TDCZI");
    REQUIRE(driver.backend.asked.empty());
}

TEST_CASE("COMMIT of a failed transaction says that it was rolled back") {
    Conversation driver;
    (void)driver.say(query("BEGIN"));
    REQUIRE(driver.say(query("COMMIT")) == "CZI");
    REQUIRE(has(driver.answer, "COMMIT"));
    (void)driver.say(query("BEGIN") + query("FROB"));
    REQUIRE(driver.say(query("COMMIT")) == "CZI");
    REQUIRE(has(driver.answer, "ROLLBACK"));
    (void)driver.say(parse("c", "COMMIT") + end_of_batch + query("BEGIN") + query("FROB"));
    REQUIRE(driver.say(bind_portal("", "c") + execute("") + end_of_batch) == "2CZI");
    REQUIRE(has(driver.answer, "ROLLBACK"));
}

TEST_CASE("RESET drops no prepared statement, DEALLOCATE the one that it names") {
    Conversation driver;
    for (const char* name : {"one", "two", "three"})
        (void)driver.say(parse(name, "SELECT 1") + end_of_batch);
    REQUIRE(driver.say(query("RESET application_name")) == "CZI");
    REQUIRE(has(driver.answer, "RESET"));
    REQUIRE(driver.say(query("DEALLOCATE one")) == "CZI");
    REQUIRE(has(driver.answer, "DEALLOCATE\0"s));
    REQUIRE(driver.say(query("DEALLOCATE one")) == "EZI");
    REQUIRE(has(driver.answer, "26000"));
    REQUIRE(driver.say(bind_portal("", "one") + end_of_batch) == "EZI");
    REQUIRE(driver.say(bind_portal("", "two") + end_of_batch) == "2ZI");
    REQUIRE(driver.say(query("DEALLOCATE ALL")) == "CZI");
    REQUIRE(has(driver.answer, "DEALLOCATE ALL"));
    REQUIRE(driver.say(bind_portal("", "two") + end_of_batch) == "EZI");
}

TEST_CASE("The extended protocol answers what pgjdbc sends") {
    Conversation driver;
    REQUIRE(driver.say(parse("", "SET extra_float_digits = 3") + bind_portal("", "") +
                       execute("", 1) + end_of_batch) == "12CZI");
    REQUIRE(driver.say(parse("S_1", "SHOW VERSION") + describe('S', "S_1") + end_of_batch) ==
            "1tTZI");
    REQUIRE(driver.say(bind_portal("", "S_1") + describe('P', "") + execute("") + end_of_batch) ==
            "2TDCZI");
    REQUIRE(driver.say(bind_portal("", "S_1") + execute("") + end_of_batch) == "2DCZI");
    REQUIRE(driver.say(message('C', "SS_1\0"s) + end_of_batch) == "3ZI");
    REQUIRE(driver.say(bind_portal("", "S_1") + end_of_batch) == "EZI");
    REQUIRE(has(driver.answer, "26000"));
}

TEST_CASE("After an error everything up to Sync is passed over") {
    Conversation driver;
    REQUIRE(driver.say(parse("", "FROB") + bind_portal("", "") + execute("") + query("RELOAD") +
                       end_of_batch) == "EZI");
    REQUIRE(driver.backend.asked.empty());
}

TEST_CASE("A portal gives its rows in pieces") {
    Conversation driver;
    (void)driver.say(query("BEGIN"));
    REQUIRE(driver.say(parse("", "SHOW HELP") + bind_portal("c", "") + execute("c", 2) +
                       end_of_batch) == "12DDsZT");
    REQUIRE(driver.say(execute("c") + end_of_batch) == std::string(13, 'D') + "CZT");
    REQUIRE(driver.say(query("COMMIT") + execute("c") + end_of_batch) == "CZIEZI");
    REQUIRE(has(driver.answer, "34000"));
}

TEST_CASE("Numbers come in binary where that is asked for") {
    Conversation driver;
    REQUIRE(driver.say(parse("", "SELECT 258") + bind_portal("", "", true) + describe('P', "") +
                       execute("") + end_of_batch) == "12TDCZI");
    REQUIRE(has(driver.answer, "\0\0\0\4\0\0\1\2"s));
    REQUIRE(to_binary(Type::int8, "-2") == "\xff\xff\xff\xff\xff\xff\xff\xfe");
    REQUIRE(to_binary(Type::boolean, "t") == "\1"s);
    REQUIRE(to_binary(Type::text, "abc") == "abc");
    // 1 2345 6789
    REQUIRE(to_binary(Type::numeric, "123456789") == "\0\3\0\2\0\0\0\0\0\1\x09\x29\x1a\x85"s);
    REQUIRE(to_binary(Type::numeric, "0") == "\0\0\0\0\0\0\0\0"s);
}

TEST_CASE("A session holds a bounded number of statements") {
    Conversation driver;
    std::string last;
    for (std::size_t i = 0; i <= limits::prepared_statements_max; ++i)
        last = driver.say(parse("s" + std::to_string(i), "SELECT 1") + end_of_batch);
    REQUIRE(last == "EZI");
    REQUIRE(has(driver.answer, "53400"));
    REQUIRE(driver.say(query("DISCARD ALL")) == "CZI");
    REQUIRE(driver.say(parse("s0", "SELECT 1") + end_of_batch) == "1ZI");
}

TEST_CASE("What replaces another is taken when nothing more is") {
    Conversation driver;
    for (std::size_t i = 0; i < limits::prepared_statements_max; ++i)
        (void)driver.say(parse(i == 0 ? "" : "s" + std::to_string(i), "SELECT 1") + end_of_batch);
    REQUIRE(driver.say(parse("new", "SELECT 1") + end_of_batch) == "EZI");
    REQUIRE(driver.say(parse("", "SELECT 2") + end_of_batch) == "1ZI");
    (void)driver.say(query("BEGIN"));
    for (std::size_t i = 0; i < limits::portals_max; ++i)
        REQUIRE(driver.say(bind_portal(i == 0 ? "" : "p" + std::to_string(i), "s1")) == "2");
    REQUIRE(driver.say(bind_portal("", "s1")) == "2");
    REQUIRE(driver.say(bind_portal("new", "s1") + end_of_batch) == "EZE");
}

TEST_CASE("A name or a literal to be kept is not longer than anyone needs") {
    const std::string longer(limits::name_bytes_max + 1, 'x');
    const std::string longest(limits::name_bytes_max, 'x');
    Conversation driver;
    REQUIRE(driver.say(parse(longest, "SELECT 1") + end_of_batch) == "1ZI");
    REQUIRE(driver.say(bind_portal(longest, longest) + end_of_batch) == "2ZI");
    REQUIRE(driver.say(parse(longer, "SELECT 1") + end_of_batch) == "EZI");
    REQUIRE(has(driver.answer, "54000"));
    REQUIRE(driver.say(bind_portal(longer, longest) + end_of_batch) == "EZI");
    REQUIRE(driver.say(parse("", "SELECT '" + longer + "'") + end_of_batch) == "EZI");
}

TEST_CASE("An answer is sent before more is put behind it") {
    Conversation client;
    client.backend.live.resize(1000);
    REQUIRE(client.say(query("SHOW CONNECTIONS")) == "T" + std::string(1000, 'D') + "CZI");
    const std::size_t one_answer = client.most_at_once;
    std::string many;
    for (int i = 0; i < 100; ++i)
        many += "SHOW CONNECTIONS;";
    REQUIRE(client.say(query(many)).size() == 100 * 1002 + 2);
    REQUIRE(client.most_at_once < one_answer + limits::write_bytes);
    many = parse("", "SHOW CONNECTIONS");
    for (int i = 0; i < 100; ++i)
        many += bind_portal("", "") + execute("");
    REQUIRE(client.say(many + end_of_batch).size() == 1 + 100 * 1002 + 2);
    REQUIRE(client.most_at_once < one_answer + limits::write_bytes);
}

TEST_CASE("Portals hold a bounded number of rows that were not fetched") {
    Conversation client;
    client.backend.live.resize(limits::rows_held_max / 2 + 2);
    (void)client.say(query("BEGIN") + parse("", "SHOW CONNECTIONS"));
    for (const char* portal : {"a", "b"})
        REQUIRE(client.say(bind_portal(portal, "") + execute(portal, 1)) == "2Ds");
    REQUIRE(client.say(execute("b")) == std::string(client.backend.live.size() - 1, 'D') + "C");
    REQUIRE(client.say(bind_portal("c", "") + execute("c", 1)) == "2Ds"); // b's rows are gone
    REQUIRE(client.say(bind_portal("d", "") + execute("d", 1) + end_of_batch) == "2EZE");
    REQUIRE(has(client.answer, "53200"));
}

TEST_CASE("A message that is none ends the session with words, Terminate without") {
    for (const std::string& bytes :
         {"Q\0\0\0\3"s, "Q\0\1\0\1"s, message('z', ""), message('Q', "no end")}) {
        Conversation client;
        REQUIRE(client.say(bytes) == "E");
        REQUIRE(client.over);
        REQUIRE(has(client.answer, "08P01"));
    }
    Conversation client;
    REQUIRE(client.say(message('X', "")).empty());
    REQUIRE(client.over);
}

TEST_CASE("DRAIN is answered before it is done") {
    Conversation psql;
    REQUIRE(psql.say(query("DRAIN")) == "CZI");
    REQUIRE(psql.backend.asked.empty());
}
