// Queries over the relations of a server that the test describes, answered as PostgreSQL would.
#include "proxy/admin/console/help.h"
#include "proxy/admin/console/limits.h"
#include "proxy/admin/console/sql/engine.h"
#include "proxy/admin/console/sql/error_texts.h"
#include "proxy/admin/console/text_values.h"
#include "tests/support/catch.h"
#include "tests/unit/config/memory_files.h"
#include "tests/unit/console/client_statements.h"
#include "tests/unit/console/fake_backend.h"

#include <chrono>
#include <string>
#include <vector>

using namespace pgmoat;
using namespace pgmoat::admin;

namespace {

Connection connection(std::uint64_t id, std::uint32_t pid, const std::string& user) {
    Connection made;
    made.id = id;
    made.facts.stage = telemetry::SessionStage::live;
    made.facts.backend_process_id = pid;
    made.facts.user = user;
    made.facts.client_address = "10.0.0." + std::to_string(id);
    made.facts.client_port = 5000;
    made.bytes_from_client = 1000 * id;
    made.connected_at = 1'764'000'000;
    if (id != 3)
        made.facts.client_tls = {
            id == 1 ? "TLSv1.2" : "TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, "X25519", "", ""};
    return made;
}

// Three clients, the third without TLS; 4 is still logging in.
FakeSnapshot server() {
    FakeSnapshot snapshot;
    snapshot.live = {
        connection(1, 101, "alice"), connection(2, 102, "bob"), connection(3, 3, "alice")};
    snapshot.live.push_back(connection(4, 0, "carol"));
    snapshot.live.back().facts.stage = telemetry::SessionStage::login;
    snapshot.settings = config::load_config(
        "x.conf",
        config::MemoryFiles("x.conf", "upstream = 'host=a,b'\nconsole_users = bob\nport = 7000"));
    snapshot.listed = {RuleView{}};
    snapshot.listed[0].databases = {"all", "a b"};
    snapshot.listed[0].options = {};
    snapshot.shown = {OwnCertificateView{}};
    snapshot.counted.listeners.resize(1);
    return snapshot;
}

struct Result {
    std::vector<sql::OutputColumn> columns;
    std::vector<Row> rows;
    std::string error; // SQLSTATE and message
    sql::Deeds deeds;
};

class Console {
  public:
    explicit Console(FakeSnapshot snapshot = server(), bool may_act = true)
        : snapshot_(std::make_shared<const FakeSnapshot>(std::move(snapshot))), may_act_(may_act) {}

    Result ask(const std::string& text,
               const std::vector<Cell>& values = {},
               const std::vector<Type>& types = {}) {
        INFO(text);
        auto tokens = sql::tokenize(text);
        if (const auto* error = std::get_if<SqlError>(&tokens)) return failed(*error);
        const auto statement = sql::split_statements(std::get<sql::Tokens>(tokens)).front();
        auto planned = engine_.plan(statement, types);
        if (const auto* error = std::get_if<SqlError>(&planned)) return failed(*error);
        const auto& plan = std::get<sql::Plan>(planned);
        sql::Scope scope{snapshot_, *snapshot_, "bob"};
        scope.may_act = may_act_;
        scope.session_id = 77;
        scope.now = *microseconds_since_2000("2026-11-28 12:00:00+00");
        auto opened = engine_.open(plan, values, std::make_shared<const sql::Scope>(scope));
        if (const auto* error = std::get_if<SqlError>(&opened)) return failed(*error);
        auto& cursor = *std::get<0>(opened);
        Result result{plan.columns, {}, {}, {}};
        while (cursor.next())
            result.rows.push_back(cursor.row());
        if (cursor.error()) result.error = text_of(*cursor.error());
        result.deeds = cursor.deeds();
        return result;
    }

    // `a|b` for each row, one row a line; `~` for NULL; an error as `SQLSTATE message`.
    std::string show(const std::string& text,
                     const std::vector<Cell>& values = {},
                     const std::vector<Type>& types = {}) {
        const Result result = ask(text, values, types);
        if (!result.error.empty()) return result.error;
        std::string shown;
        for (const Row& row : result.rows) {
            if (!shown.empty()) shown += '\n';
            for (std::size_t i = 0; i < row.size(); ++i)
                shown += (i == 0 ? "" : "|") + row[i].value_or("~");
        }
        return shown;
    }

  private:
    static std::string text_of(const SqlError& error) {
        return std::string(error.sqlstate) + ' ' + error.message;
    }
    static Result failed(const SqlError& error) { return {{}, {}, text_of(error), {}}; }

    std::shared_ptr<const FakeSnapshot> snapshot_;
    bool may_act_;
    sql::Engine engine_;
};

struct Case {
    const char* statement;
    const char* answer;
};

} // namespace

TEST_CASE("What the first administrator types has its answer") {
    Console console;
    const Case cases[] = {
        {"SELECT pid, version FROM pg_stat_ssl", "101|TLSv1.2\n102|TLSv1.3\n3|~"},
        {"SELECT pid FROM pg_stat_ssl WHERE ssl", "101\n102"},
        {"SELECT pid FROM pg_stat_ssl WHERE NOT ssl", "3"},
        {"SELECT pid FROM pg_stat_ssl WHERE ssl = 'f'", "3"},
        {"SELECT pid FROM pg_stat_ssl WHERE ssl IS TRUE ORDER BY pid DESC", "102\n101"},
        {"SELECT count(*) FROM pg_stat_ssl", "3"},
        {"SELECT version, count(*) FROM pg_stat_ssl GROUP BY version ORDER BY 2 DESC, 1",
         "TLSv1.2|1\nTLSv1.3|1\n~|1"},
        {"SELECT usename, count(*) AS n FROM pg_stat_activity GROUP BY 1 HAVING count(*) > 1",
         "alice|2"},
        {"SELECT pid FROM pg_stat_ssl ORDER BY pid LIMIT 1 OFFSET 1", "101"},
        {"SELECT pid FROM pg_stat_ssl ORDER BY version", "101\n102\n3"}, // NULL is last
        {"SELECT pid FROM pg_stat_ssl ORDER BY version DESC", "3\n102\n101"},
        {"SELECT a.usename FROM pg_stat_activity a JOIN pg_stat_ssl s USING (pid) WHERE s.version "
         "= "
         "'TLSv1.3'",
         "bob"},
        {"SELECT usename FROM connections WHERE client_addr LIKE '10.0.0.%' AND usename ILIKE "
         "'AL%'",
         "alice\nalice"},
        {"SELECT usename FROM connections WHERE usename ~ '^b' OR usename !~ 'a'", "bob"},
        {"SELECT usename FROM connections WHERE id IN (2, 4) ORDER BY 1", "bob\ncarol"},
        {"SELECT id FROM public.connections WHERE usename = ANY('{bob,carol}') ORDER BY id",
         "2\n4"},
        {"SELECT sum(bytes_received), max(bytes_received) FROM pg_stat_ssl_pgmoat", "10000|4000"},
        {"SELECT id, CASE WHEN version IS NULL THEN 'clear' ELSE version END FROM connections "
         "WHERE "
         "state = 'live'",
         "1|TLSv1.2\n2|TLSv1.3\n3|clear"},
        {"TABLE help LIMIT 1", "SHOW CONNECTIONS|client connections and their servers"},
        {"WITH s AS (SELECT * FROM pg_stat_ssl) SELECT count(*) FROM s WHERE bits = 256", "2"},
        {"SELECT current_setting('port'), current_setting('TimeZone')", "7000|UTC"},
        {"SELECT setting FROM pg_settings WHERE name = 'port'", "7000"},
        {"SELECT database FROM pg_hba_file_rules", "{all,\"a b\"}"},
        {"SELECT now() - connect_time > interval '1 day' FROM connections WHERE id = 1", "t"},
        {"SELECT id FROM connections WHERE connect_time < now() - interval '5 minutes' AND id < 3",
         "1\n2"},
        {"SELECT EXISTS (SELECT 1 FROM pg_stat_ssl WHERE version = 'TLSv1')", "f"},
        {"SELECT DISTINCT usename FROM connections ORDER BY usename", "alice\nbob\ncarol"},
        {"SELECT upper(usename) || '!' FROM connections WHERE id = 2", "BOB!"},
        {"SELECT string_agg(usename, ',' ORDER BY id DESC) FROM connections WHERE id < 4",
         "alice,bob,alice"},
        {"SELECT array_agg(id ORDER BY usename) FROM connections WHERE id IN (2, 4, 1)", "{1,2,4}"},
    };
    for (const Case& row : cases) {
        INFO(row.statement);
        REQUIRE(console.show(row.statement) == row.answer);
    }
}

TEST_CASE("Constants and casts are PostgreSQL's") {
    Console console;
    const Case cases[] = {
        {"SELECT 1", "1"},
        {"SELECT 'x', NULL, true, 1.5", "x|~|t|1.5"},
        {"SELECT E'a\\tb\\u00e4', $$it's$$, $x$;$x$", "a\tb\xc3\xa4|it's|;"},
        {"SELECT '12'::int + 1, 7 / 2, -7 % 4, 1 + 2 * 3", "13|3|-3|7"},
        {"SELECT true::text, 'yes'::bool, 5::text || 'x'", "true|t|5x"},
        {"SELECT '1 day 2 hours'::interval, interval '90 s'", "1 day 02:00:00|00:01:30"},
        {"SELECT timestamptz '2026-11-24T08:56:15+02:00'", "2026-11-24 06:56:15+00"},
        {"SELECT ARRAY['a', 'b c'], '{x,y}'::text[], (ARRAY['a','b'])[2]", "{a,\"b c\"}|{x,y}|b"},
        {"SELECT * FROM unnest(ARRAY['a','b']) AS x", "a\nb"},
        {"SELECT coalesce(NULL, 'x'), nullif(1, 1), greatest(1, NULL, 3), least('b', 'a')",
         "x|~|3|a"},
        {"SELECT 2 BETWEEN 1 AND 3, 2 NOT IN (1, 3), 'a' IS DISTINCT FROM NULL", "t|t|t"},
        {"SELECT left('abcd', 2), left('abcd', -1), right('abcd', 3), split_part('a,b', ',', 2)",
         "ab|abc|bcd|b"},
        {"SELECT 'pg_stat_ssl'::regclass, 'pg_stat_ssl'::regclass::oid = 15000, 25::regtype",
         "pg_stat_ssl|t|text"},
        {"SELECT format_type(23, -1), format_type(1009, NULL), format_type(1184, NULL)",
         "integer|text[]|timestamp with time zone"},
        {"SELECT (SELECT 1 UNION SELECT 1), ((SELECT 2) + 1)", "1|3"},
        {"SELECT * FROM (VALUES (1, 'a'), (2, 'b')) AS t (n, s) WHERE n = 2", "2|b"},
        {"SELECT array_to_string(ARRAY(SELECT usename FROM connections WHERE id < 3), '+')",
         "alice+bob"},
        {"SELECT pg_size_pretty(123456789), trim(both 'x' from 'xax'), position('b' in 'abc')",
         "118 MB|a|2"},
        {"SELECT now(), current_user, current_database(), pg_backend_pid()",
         "2026-11-28 12:00:00+00|bob|pgmoat|77"},
        {"SELECT round(extract(epoch from now())), 'a\\b'", "1795867200|a\\b"},
        {"SELECT 'a%b' LIKE 'a\\%b', 'axb' LIKE 'a\\%b', 'a_b' LIKE 'a#_b' ESCAPE '#'", "t|f|t"},
        {"SELECT 'A' < 'a', 'abc' ~* 'B', 'ABC' LIKE 'abc'", "t|t|f"},
        {"SELECT 1 + 2 || 'x', 'a' || 1 + 2 || 'b', 7 - (2 - 1) - 3", "3x|a3b|3"},
        {"SELECT 1 FETCH FIRST ROW ONLY", "1"},
        {"SELECT NOT true AND false, NOT (true AND false), true OR true AND false", "f|t|t"},
    };
    for (const Case& row : cases) {
        INFO(row.statement);
        REQUIRE(console.show(row.statement) == row.answer);
    }
}

TEST_CASE("What is wrong has PostgreSQL's words and SQLSTATE") {
    Console console;
    const Case cases[] = {
        {"SELECT", ""}, // no columns and no row: PostgreSQL would give one row
        {"SELECT nothing FROM pg_stat_ssl", "42703 column \"nothing\" does not exist"},
        {"SELECT s.nothing FROM pg_stat_ssl s", "42703 column s.nothing does not exist"},
        {"SELECT * FROM nowhere", "42P01 relation \"nowhere\" does not exist"},
        {"SELECT * FROM public.pg_class", "42P01 relation \"public.pg_class\" does not exist"},
        {"SELECT * FROM sqlite_master", "42P01 relation \"sqlite_master\" does not exist"},
        {"SELECT frob(1, 'x')", "42883 function frob(integer, unknown) does not exist"},
        {"SELECT load_extension('x')", "42883 function load_extension(unknown) does not exist"},
        {"SELECT randomblob(1000000000)", "42883 function randomblob(integer) does not exist"},
        {"SELECT 'x'::frob", "42704 type \"frob\" does not exist"},
        {"SELECT 'x'::int", "22P02 invalid input syntax for type integer: \"x\""},
        {"SELECT usename::int FROM connections",
         "22P02 invalid input syntax for type integer: \"alice\""},
        {"SELECT 99999999999::int4",
         "22003 value \"99999999999\" is out of range for type integer"},
        {"SELECT pid FROM pg_stat_ssl WHERE pid = 'abc'",
         "22P02 invalid input syntax for type integer: \"abc\""},
        {"SELECT pid FROM pg_stat_ssl WHERE ssl = 'maybe'",
         "22P02 invalid input syntax for type boolean: \"maybe\""},
        {"SELECT pid FROM pg_stat_ssl WHERE pid",
         "42804 argument of WHERE must be type boolean, not type integer"},
        {"SELECT pid FROM pg_stat_ssl WHERE pid = version",
         "42883 operator does not exist: integer = text"},
        {"SELECT 1 / 0", "22012 division by zero"},
        {"SELECT 'nope'::regclass", "42P01 relation \"nope\" does not exist"},
        {"SELECT 1 LIMIT -1", "2201W LIMIT must not be negative"},
        {"SELECT 'a' LIKE 'a\\'", "22025 LIKE pattern must not end with escape character"},
        {"SELECT current_setting('frob')", "42704 unrecognized configuration parameter \"frob\""},
        {"SELECT * FROM pg_stat_ssl a, pg_stat_ssl b WHERE pid = 1",
         "42702 column reference \"pid\" is ambiguous"},
        {"SELECT 1 FROM pg_stat_ssl WHERE count(*) > 1",
         "42803 aggregate functions are not allowed here"},
        {"SELECT 1 ORDER BY 2", "42P10 ORDER BY or GROUP BY position is not in select list"},
        {"SELECT 1 FOR UPDATE", "0A000 row locking is not implemented in the console"},
        {"SELECT DISTINCT ON (pid) 1 FROM pg_stat_ssl",
         "0A000 DISTINCT ON is not implemented in the console"},
        {"SELECT FROM WHERE", "42601 syntax error at or near \"WHERE\""},
        {"SELECT 1 1", "42601 syntax error at or near \"1\""},
        {"SELECT (1", "42601 syntax error at end of input"},
        {"SELECT 'open", "42601 unterminated quoted string at or near \"'open\""},
        {"SELECT 1x", "42601 trailing junk after numeric literal at or near \"1x\""},
        {"SELECT \"\"", "42601 zero-length delimited identifier at or near \"\"\"\""},
        {"SELECT U&'x'", "0A000 U& strings are not implemented in the console"},
    };
    for (const Case& row : cases) {
        INFO(row.statement);
        REQUIRE(console.show(row.statement) == row.answer);
    }
    REQUIRE(console.show("SELECT 'a' ~ '('").starts_with("2201B invalid regular expression: "));
}

TEST_CASE("A column that is missing is told alike by older and newer SQLite") {
    const std::string column = "no such column: ";
    const std::string doubt = " - should this be a string literal in single-quotes?";
    struct Case {
        std::string sqlite;
        std::string ours;
    };
    const std::vector<Case> cases{
        {"nothing", "column \"nothing\" does not exist"},
        {"\"nothing\"" + doubt, "column \"nothing\" does not exist"},
        {"\"no.thing\"" + doubt, "column \"no.thing\" does not exist"},
        {"\"no\"thing\"" + doubt, "column \"no\"thing\" does not exist"},
        {"s.nothing", "column s.nothing does not exist"},
    };
    for (const Case& row : cases) {
        INFO(row.sqlite);
        const SqlError error = sql::translate_error(1, column + row.sqlite);
        CHECK(error.sqlstate == "42703");
        CHECK(error.message == row.ours);
    }
}

TEST_CASE("What psql and drivers send by themselves is never an error") {
    Console console;
    for (const std::string_view text : client_statements) {
        std::string first(text.substr(0, text.find_first_of(" \n;")));
        for (char& c : first)
            c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
        if (first != "select" && first != "with") continue; // statement_test.cpp
        INFO(text);
        const std::vector<Cell> values(10, Cell());
        REQUIRE(console.ask(std::string(text), values).error.empty());
    }
}

TEST_CASE("psql finds the relations, their columns, the database and the users") {
    Console console;
    REQUIRE(console.show("SELECT c.relname FROM pg_catalog.pg_class c LEFT JOIN "
                         "pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN "
                         "('r','p','') AND n.nspname <> 'pg_catalog' ORDER BY 1 LIMIT 3") ==
            "addresses\ncertificates\nconfig");
    REQUIRE(console.show("SELECT a.attname, pg_catalog.format_type(a.atttypid, a.atttypmod) FROM "
                         "pg_catalog.pg_attribute a WHERE a.attrelid = 'pg_stat_ssl'::regclass AND "
                         "a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum LIMIT 2") ==
            "pid|integer\nssl|boolean");
    REQUIRE(console.show("SELECT datname FROM pg_database") == "pgmoat");
    REQUIRE(console.show("SELECT rolname, rolsuper FROM pg_roles") == "bob|t");
    REQUIRE(console.show("SELECT table_name FROM information_schema.tables WHERE table_schema = "
                         "'public' ORDER BY 1 LIMIT 1") == "addresses");
    REQUIRE(console.show("SELECT obj_description('connections'::regclass, 'pg_class')") ==
            "clients, and their servers");
}

TEST_CASE("Every relation has as many values in a row as columns") {
    Console console;
    for (const sql::Relation& relation : sql::all_relations()) {
        INFO(relation.name);
        const auto name = std::string(relation.schema) + '.' + std::string(relation.name);
        const Result result = console.ask("SELECT * FROM " + name);
        REQUIRE(result.error.empty());
        REQUIRE(result.columns.size() == relation.columns.size());
        for (std::size_t i = 0; i < result.columns.size(); ++i) {
            REQUIRE(result.columns[i].name == relation.columns[i].name);
            REQUIRE(result.columns[i].type == relation.columns[i].type);
        }
    }
    for (const View& view : all_views())
        REQUIRE(sql::find_relation("public", view.relation) != nullptr);
}

TEST_CASE("Columns have PostgreSQL's names and types before there is a row") {
    Console console;
    struct Expected {
        const char* item;
        const char* name;
        Type type;
    };
    const Expected items[] = {
        {"pid", "pid", Type::int4},
        {"1", "?column?", Type::int4},
        {"'x'", "?column?", Type::text},
        {"count(*)", "count", Type::int8},
        {"count(*) AS N", "n", Type::int8},
        {"max(pid)", "max", Type::int4},
        {"sum(bits)", "sum", Type::int8},
        {"pid = 3", "?column?", Type::boolean},
        {"pid::text", "pid", Type::text},
        {"'1'::int8", "int8", Type::int8},
        {"CASE WHEN ssl THEN pid ELSE 0 END", "case", Type::int4},
        {"CASE WHEN ssl THEN 'a' ELSE version END", "version", Type::text},
        {"coalesce(version, 'clear')", "coalesce", Type::text},
        {"(SELECT bits)", "bits", Type::int4},
        {"EXISTS (SELECT 1)", "exists", Type::boolean},
        {"now()", "now", Type::timestamptz},
        {"now() - now()", "?column?", Type::interval},
        {"version()", "version", Type::text},
        {"ARRAY['a']", "array", Type::text_array},
        {"true", "bool", Type::boolean},
        {"pg_advisory_unlock_all()", "pg_advisory_unlock_all", Type::void_type},
    };
    for (const Expected& expected : items) {
        INFO(expected.item);
        const Result result =
            console.ask(std::string("SELECT ") + expected.item + " FROM pg_stat_ssl");
        REQUIRE(result.error.empty());
        REQUIRE(result.columns[0].name == expected.name);
        REQUIRE(result.columns[0].type == expected.type);
    }
    const Result star = console.ask("SELECT 1 AS a, s.*, n.n FROM pg_stat_ssl s, (SELECT count(*) "
                                    "AS n FROM connections) n");
    REQUIRE(star.columns.size() == 10);
    REQUIRE(star.columns[1].type == Type::int4);
    REQUIRE(star.columns[9].type == Type::int8);
}

TEST_CASE("Parameters take their types from their place, or from the client") {
    Console console;
    REQUIRE(console.show("SELECT pid FROM pg_stat_ssl WHERE ssl = $1 AND pid > $2", {"t", "101"}) ==
            "102");
    REQUIRE(console.show("SELECT pid FROM pg_stat_ssl WHERE ssl = $1", {"maybe"}) ==
            "22P02 invalid input syntax for type boolean: \"maybe\"");
    REQUIRE(console.show("SELECT pid FROM pg_stat_ssl WHERE version = $1 LIMIT $2",
                         {"TLSv1.3", "5"}) == "102");
    REQUIRE(console.show("SELECT $1::int + 1, $2", {"41", "x"}) == "42|x");
    REQUIRE(console.show("SELECT id FROM connections WHERE usename = ANY($1) ORDER BY 1",
                         {"{bob,carol}"}) == "2\n4");
    REQUIRE(console.show("SELECT pid FROM pg_stat_ssl WHERE pid = $1", {Cell()}).empty());
    const Result typed = console.ask("SELECT $1", {"7"}, {Type::int8});
    REQUIRE(typed.columns[0].type == Type::int8);
    REQUIRE(console.show("SELECT $0", {}) == "42P02 there is no parameter $0");
}

TEST_CASE("pg_terminate_backend() takes an id or a pid, and never guesses") {
    Console console;
    REQUIRE(console.ask("SELECT pg_terminate_backend(2)").deeds.kills ==
            std::vector<std::uint64_t>{2});
    REQUIRE(console.ask("SELECT pg_terminate_backend(101)").deeds.kills ==
            std::vector<std::uint64_t>{1});
    REQUIRE(console.show("SELECT pg_terminate_backend(99)") == "f");
    // Connection 3's server has process id 3, so this is the same connection.
    REQUIRE(console.ask("SELECT pg_terminate_backend(3)").deeds.kills ==
            std::vector<std::uint64_t>{3});
    FakeSnapshot two = server();
    two.live[0].facts.backend_process_id = 2;
    Console ambiguous(two);
    const Result refused = ambiguous.ask("SELECT pg_terminate_backend(2)");
    REQUIRE(refused.error == "42725 connections 1, 2 have this number as id or as pid");
    REQUIRE(refused.deeds.kills.empty());
    const Result some = console.ask(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'alice'");
    REQUIRE(some.deeds.kills == std::vector<std::uint64_t>{1, 3});
}

TEST_CASE("Who may only look can do nothing by a function") {
    Console watcher(server(), false);
    for (const char* call : {"pg_reload_conf()", "pg_terminate_backend(1)"}) {
        const Result result = watcher.ask(std::string("SELECT ") + call);
        REQUIRE(result.error.starts_with("42501 permission denied for function "));
        REQUIRE_FALSE(result.deeds.reload);
        REQUIRE(result.deeds.kills.empty());
    }
    Console console;
    REQUIRE(console.ask("SELECT pg_reload_conf()").deeds.reload);
}

TEST_CASE("A statement has bounds for time, memory, size and depth") {
    Console console;
    const std::string forever = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) ";
    const auto begun = std::chrono::steady_clock::now();
    REQUIRE(console.show(forever + "SELECT count(*) FROM n").starts_with("57014 "));
    REQUIRE(std::chrono::steady_clock::now() - begun < 5 * limits::statement_time_max);
    // Either longer than a value may be, or out of time before that.
    REQUIRE(console
                .show("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < "
                      "2000) SELECT string_agg(repeat('x', 1000), ',') FROM n")
                .starts_with("54000 "));
    const std::string big = "SELECT max(length(a.x || b.x)) FROM (SELECT replace('" +
                            std::string(1000, 'x') + "', 'x', '" + std::string(900, 'y') +
                            "') AS x) a, (SELECT replace('" + std::string(1000, 'x') + "', 'x', '" +
                            std::string(900, 'y') + "') AS x) b";
    REQUIRE(console.show(big).starts_with("54000 "));
    REQUIRE(console.show("SELECT " + std::string(5000, '(')).starts_with("54001 "));
    std::string signs = "SELECT ";
    for (int i = 0; i < 2000; ++i)
        signs += "- ";
    REQUIRE(console.show(signs + '1').starts_with("54001 "));
    std::string nested = "SELECT 1";
    for (int i = 0; i < 12; ++i)
        nested = "SELECT (" + nested + ")";
    REQUIRE(console.show(nested) == "1");
    std::string chain = "SELECT 1";
    for (int i = 0; i < 400; ++i)
        chain += " + 1";
    REQUIRE(console.show(chain) == "401");
    REQUIRE(console.show("SELECT 'x' LIKE '" + std::string(2000, '%') + "'").starts_with("54000 "));
}

TEST_CASE("A thousand clients join with themselves in no time") {
    FakeSnapshot many = server();
    for (std::uint64_t id = 10; id < 3010; ++id)
        many.live.push_back(connection(id, static_cast<std::uint32_t>(10'000 + id), "user"));
    Console console(many);
    REQUIRE(console.show("SELECT count(*) FROM pg_stat_activity a JOIN pg_stat_ssl s ON a.pid = "
                         "s.pid WHERE s.ssl") == "3002");
}

TEST_CASE("Texts of clients are data, whatever they contain") {
    FakeSnapshot hostile = server();
    hostile.live[0].facts.user = "x'; SELECT \"y\" --";
    Console console(hostile);
    REQUIRE(console.show("SELECT usename FROM connections WHERE id = 1") == "x'; SELECT \"y\" --");
    REQUIRE(console.show("SELECT count(*) FROM connections WHERE usename = $1",
                         {"x'; SELECT \"y\" --"}) == "1");
}
