// The query protocols as conversations: what a client sends, and the answers, one letter for each
// message.
#include "protocol/messages.h"
#include "proxy/admin/console/deed.h"
#include "proxy/admin/console/help.h"
#include "proxy/admin/console/limits.h"
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

// A session on a server without connections.
class Conversation {
  public:
    // The bytes of the answer, and its messages' letters.
    std::string say(const std::string& bytes) {
        session_.feed({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
        protocol::Bytes out;
        answer.clear();
        most_at_once = 0;
        for (;;) {
            const WireSession::Step step = session_.next(out);
            if (std::holds_alternative<WireSession::Look>(step)) {
                session_.look(backend.look(), out);
                continue;
            }
            if (const auto* act = std::get_if<WireSession::Act>(&step)) {
                session_.acted(carry_out(act->deed), out);
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
    std::size_t most_at_once = 0; // most bytes in the output at once
    bool over = false;

  private:
    std::optional<SqlError> carry_out(const Deed& deed) {
        if (auto refused = refuse(deed, "bob", backend.config())) return refused;
        if (auto error = kill_all(deed, "bob", backend)) return error;
        std::optional<SqlError> error;
        if (deed.reload)
            backend.reload("bob", [&](const std::string& wrong) { error = after_reload(wrong); });
        return error;
    }

    // With the status after Z.
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

    WireSession session_{{"bob", 77, "psql"}};
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
    REQUIRE(driver.say(execute("c") + end_of_batch) ==
            std::string(help_rows().size() - 2, 'D') + "CZT");
    REQUIRE(driver.say(query("COMMIT") + execute("c") + end_of_batch) == "CZIEZI");
    REQUIRE(has(driver.answer, "34000"));
}

TEST_CASE("Numbers come in binary where that is asked for") {
    Conversation driver;
    REQUIRE(driver.say(parse("", "SELECT 258") + bind_portal("", "", true) + describe('P', "") +
                       execute("") + end_of_batch) == "12TDCZI");
    REQUIRE(has(driver.answer, "\0\0\0\4\0\0\1\2"s));
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

TEST_CASE("A name to be kept is not longer than anyone needs") {
    const std::string longer(limits::name_bytes_max + 1, 'x');
    const std::string longest(limits::name_bytes_max, 'x');
    Conversation driver;
    REQUIRE(driver.say(parse(longest, "SELECT 1") + end_of_batch) == "1ZI");
    REQUIRE(driver.say(bind_portal(longest, longest) + end_of_batch) == "2ZI");
    REQUIRE(driver.say(parse(longer, "SELECT 1") + end_of_batch) == "EZI");
    REQUIRE(has(driver.answer, "54000"));
    REQUIRE(driver.say(bind_portal(longer, longest) + end_of_batch) == "EZI");
}

TEST_CASE("Prepared statements take a bounded amount of memory") {
    Conversation driver;
    const std::string long_one = "SELECT '" + std::string(60'000, 'x') + "'";
    std::string last;
    for (int i = 0; i < 40; ++i)
        last = driver.say(parse("s" + std::to_string(i), long_one) + end_of_batch);
    REQUIRE(last == "EZI");
    REQUIRE(has(driver.answer, "53200"));
}

TEST_CASE("Rows are made as they are sent, not all at once") {
    Conversation client;
    client.backend.server.live.resize(1000);
    constexpr std::size_t one_row = 4096;
    const auto answered = "T" + std::string(1000, 'D') + "CZI";
    REQUIRE(client.say(query("SHOW CONNECTIONS")) == answered);
    REQUIRE(client.answer.size() > limits::write_bytes + one_row);
    REQUIRE(client.most_at_once < limits::write_bytes + one_row);
    std::string many;
    for (int i = 0; i < 20; ++i)
        many += "SHOW CONNECTIONS;";
    REQUIRE(client.say(query(many)).size() == 20 * 1002 + 2);
    REQUIRE(client.most_at_once < limits::write_bytes + one_row);
    many = parse("", "SHOW CONNECTIONS");
    for (int i = 0; i < 20; ++i)
        many += bind_portal("", "") + execute("");
    REQUIRE(client.say(many + end_of_batch).size() == 1 + 20 * 1002 + 2);
    REQUIRE(client.most_at_once < limits::write_bytes + one_row);
}

TEST_CASE("A bounded number of portals have rows that were not fetched") {
    Conversation client;
    client.backend.server.live.resize(100);
    (void)client.say(query("BEGIN") + parse("", "SHOW CONNECTIONS"));
    for (std::size_t i = 0; i < limits::open_cursors_max; ++i) {
        const std::string portal(1, static_cast<char>('a' + i));
        REQUIRE(client.say(bind_portal(portal, "") + execute(portal, 1)) == "2Ds");
    }
    REQUIRE(client.say(execute("b")) == std::string(99, 'D') + "C");
    REQUIRE(client.say(bind_portal("x", "") + execute("x", 1)) == "2Ds"); // b's rows are gone
    REQUIRE(client.say(bind_portal("y", "") + execute("y", 1) + end_of_batch) == "2EZE");
    REQUIRE(has(client.answer, "53200"));
}

TEST_CASE("Parameters are bound, and described by their types") {
    Conversation driver;
    driver.backend.server.live.resize(3);
    for (std::size_t i = 0; i < 3; ++i)
        driver.backend.server.live[i].id = i + 1;
    REQUIRE(driver.say(parse("p", "SELECT id FROM connections WHERE id >= $1") +
                       describe('S', "p") + end_of_batch) == "1tTZI");
    REQUIRE(has(driver.answer, "t\0\0\0\x0a\0\1\0\0\0\x14"s)); // one parameter, of type int8
    const auto bound = [](const std::string& formats, const std::string& value) {
        protocol::Bytes length;
        protocol::append_uint32(length, static_cast<std::uint32_t>(value.size()));
        return message('B',
                       "\0p\0"s + formats + "\0\1"s + std::string(length.begin(), length.end()) +
                           value + "\0\0"s);
    };
    REQUIRE(driver.say(bound("\0\0"s, "2") + execute("") + end_of_batch) == "2DDCZI");
    REQUIRE(driver.say(bound("\0\1\0\1"s, "\0\0\0\0\0\0\0\3"s) + execute("") + end_of_batch) ==
            "2DCZI");
    REQUIRE(driver.say(bound("\0\0"s, "x") + execute("") + end_of_batch) == "2EZI");
    REQUIRE(has(driver.answer, "22P02"));
    REQUIRE(driver.say(bound("\0\1\0\1"s, "x") + execute("") + end_of_batch) == "EZI");
    REQUIRE(has(driver.answer, "22P03"));
    REQUIRE(driver.say(bound("\0\0"s, "\xff") + end_of_batch) == "EZI");
    REQUIRE(has(driver.answer, "22021"));
    REQUIRE(driver.say(bind_portal("", "p") + end_of_batch) == "EZI");
    REQUIRE(has(driver.answer, "requires 1"));
}

TEST_CASE("A text that is not UTF-8 is refused before it is read") {
    Conversation client;
    REQUIRE(client.say(query("SELECT '\xff'")) == "EZI");
    REQUIRE(has(client.answer, "22021"));
    REQUIRE(client.say(parse("", "SELECT '\xff'") + end_of_batch) == "EZI");
}

TEST_CASE("SET is kept for the session, RESET and DISCARD forget it") {
    Conversation driver;
    const auto name = [&] {
        (void)driver.say(query("SHOW application_name"));
        return driver.answer;
    };
    REQUIRE(has(name(), "psql")); // from the startup packet
    REQUIRE(driver.say(query("SET application_name = 'other'")) == "CZI");
    REQUIRE(has(name(), "other"));
    REQUIRE(driver.say(query("RESET ALL")) == "CZI");
    REQUIRE(has(name(), "psql"));
    (void)driver.say(query("SELECT set_config('application_name', 'third', false)"));
    REQUIRE(has(name(), "third"));
    (void)driver.say(query("DISCARD ALL"));
    REQUIRE(has(name(), "psql"));
}

TEST_CASE("What a pool sends before it keeps a connection is answered") {
    Conversation pool;
    REQUIRE(
        pool.say(query("SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;")) ==
        "TDCCCCZI");
    REQUIRE(has(pool.answer, "CLOSE CURSOR ALL"));
    REQUIRE(pool.say(query("BEGIN") + query("SAVEPOINT a") + query("FROB") +
                     query("ROLLBACK TO a") + query("RELEASE a") + query("COMMIT")) ==
            "CZTCZTEZECZTCZTCZI");
    REQUIRE(pool.say(query("BEGIN") + query("RELEASE nothing") + query("ROLLBACK")) == "CZTEZECZI");
}

TEST_CASE("A deed is done once, after the rows that ask for it") {
    Conversation psql;
    psql.backend.server.live.resize(1);
    psql.backend.server.live[0].id = 7;
    REQUIRE(psql.say(query("SELECT pg_terminate_backend(id) FROM connections")) == "TDCZI");
    REQUIRE(psql.backend.asked == "kill 7 (ended by console user \"bob\") ");
    psql.backend.asked.clear();
    REQUIRE(psql.say(query("SELECT pg_reload_conf()")) == "TDCZI");
    REQUIRE(psql.backend.asked == "reload ");
    psql.backend.wrong_with_files = "syntax error in file \"x\" line 3";
    REQUIRE(psql.say(query("RELOAD")) == "EZI");
    REQUIRE(has(psql.answer, "syntax error in file"));
    REQUIRE(psql.say(query("SELECT pg_reload_conf()")) == "TDEZI");
    REQUIRE(psql.say(query("KILL 8")) == "EZI");
    REQUIRE(has(psql.answer, "42704"));
    psql.backend.server.settings.console_users = {};
    psql.backend.server.settings.console_stats_users = {"bob"};
    psql.backend.asked.clear();
    for (const char* text : {"KILL 7", "RELOAD", "DRAIN", "SHUTDOWN"}) {
        REQUIRE(psql.say(query(text)) == "EZI");
        REQUIRE(has(psql.answer, "42501"));
    }
    REQUIRE(psql.backend.asked.empty());
    REQUIRE(psql.say(query("SHOW HELP")).starts_with("TD"));
    psql.backend.server.settings.console_stats_users = {};
    REQUIRE(psql.say(query("SHOW HELP")) == "EZI");
    REQUIRE(has(psql.answer, "42501"));
}

TEST_CASE("An invalid message ends the session with an error, Terminate without one") {
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
