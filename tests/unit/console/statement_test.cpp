// What the console understands, as a table: statements, errors with their SQLSTATE, roles.
#include "proxy/admin/console/statement.h"
#include "tests/support/catch.h"

#include <chrono>
#include <string>

using namespace pgmoat::admin;

namespace {

Statement statement(std::string_view text) {
    INFO(text);
    const Recognised recognised = recognise(text);
    if (const auto* error = std::get_if<SqlError>(&recognised)) FAIL(error->message);
    return std::get<Statement>(recognised);
}

std::string error(std::string_view text) {
    INFO(text);
    const Recognised recognised = recognise(text);
    if (!std::holds_alternative<SqlError>(recognised)) FAIL("it was understood");
    const auto& problem = std::get<SqlError>(recognised);
    return std::string(problem.sqlstate) + ' ' + problem.message;
}

} // namespace

TEST_CASE("Every view that HELP lists is understood") {
    for (const ViewRow& row : all_views())
        REQUIRE(statement(row.statement).view == row.view);
}

TEST_CASE("Statements are understood in any case, with comments and blanks") {
    REQUIRE(statement("show\n connections").view == View::connections);
    REQUIRE(statement("/* a /* b */ c */ SHOW -- what?\n Rules").view == View::rules);
    REQUIRE(statement("select * from pg_catalog.pg_stat_ssl").view == View::pg_stat_ssl);
    REQUIRE(statement("SELECT * FROM \"pg_stat_ssl_pgmoat\"").view == View::pg_stat_ssl_pgmoat);
    REQUIRE(statement("kill 12").id == 12);
    REQUIRE(statement("").verb == Verb::empty);
    REQUIRE(statement(" -- nothing").verb == Verb::empty);
}

TEST_CASE("What drivers send by themselves is understood") {
    const std::pair<const char*, Verb> sent[] = {
        {"SET extra_float_digits = 3", Verb::set},
        {"SET application_name = 'PostgreSQL JDBC Driver'", Verb::set},
        {"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", Verb::set},
        {"SET datestyle TO 'ISO'", Verb::set},
        {"SET client_encoding TO 'UTF8'", Verb::set},
        {"SET TIME ZONE 'UTC'", Verb::set},
        {"BEGIN", Verb::begin},
        {"BEGIN READ ONLY", Verb::begin},
        {"START TRANSACTION ISOLATION LEVEL READ COMMITTED", Verb::begin},
        {"COMMIT", Verb::commit},
        {"ROLLBACK", Verb::rollback},
        {"DISCARD ALL", Verb::discard},
        {"RESET application_name", Verb::reset},
        {"RESET ALL", Verb::reset},
        {"DEALLOCATE PREPARE one", Verb::deallocate},
        {"SELECT 1", Verb::select},
        {"SHOW TRANSACTION ISOLATION LEVEL", Verb::show},
        {"SHOW standard_conforming_strings", Verb::show}};
    for (const auto& [text, verb] : sent) {
        INFO(text);
        REQUIRE(statement(text).verb == verb);
    }
}

TEST_CASE("DEALLOCATE names one statement or all") {
    REQUIRE(statement("DEALLOCATE One").argument == "one");
    REQUIRE(statement("DEALLOCATE \"All\"").argument == "All");
    REQUIRE(statement("DEALLOCATE \"all\"").argument == "all");
    REQUIRE(statement("DEALLOCATE ALL").argument.empty());
    REQUIRE(error("DEALLOCATE") == "42601 syntax error at end of input");
    REQUIRE(error("DEALLOCATE \"\"") == "42601 syntax error at or near \"\"\"\"");
    REQUIRE(error("DEALLOCATE a b") == "42601 syntax error at or near \"b\"");
}

TEST_CASE("A string of another kind than '...' is refused whole, whatever stands in it") {
    for (const char* text : {"SET application_name = E'it\\'; SHUTDOWN; \\''",
                             "SET application_name = $$; SHUTDOWN; $$",
                             "SET application_name = $x$; SHUTDOWN; $x$"}) {
        const auto parts = split_statements(text);
        REQUIRE(parts.size() == 1);
        REQUIRE(error(parts[0]) ==
                "0A000 an escape or dollar-quoted string is not implemented in the console");
    }
    REQUIRE(statement("SET search_path = e, a$b").verb == Verb::set);
}

TEST_CASE("Comments that never end take one pass over the text") {
    std::string beginnings;
    while (beginnings.size() < 64UL * 1024)
        beginnings += "/*a";
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 20; ++i)
        REQUIRE(split_statements(beginnings).size() == 1);
    // Some milliseconds; with a search for each beginning it takes many seconds.
    REQUIRE(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
    REQUIRE(statement("/* /* */ /*/ */ */ SHOW HELP").view == View::help);
}

TEST_CASE("What is SQL and not here is refused by its name") {
    REQUIRE(error("SELECT * FROM pg_stat_ssl WHERE pid = 1") ==
            "0A000 WHERE is not implemented in the console");
    REQUIRE(error("SELECT * FROM pg_stat_ssl ORDER BY pid") ==
            "0A000 ORDER is not implemented in the console");
    REQUIRE(error("SELECT pid FROM pg_stat_ssl") ==
            "0A000 a list of columns is not implemented in the console");
    REQUIRE(error("INSERT INTO t VALUES (1)") == "0A000 INSERT is not implemented in the console");
    REQUIRE(error("KILL $1") == "0A000 a parameter is not implemented in the console");
}

TEST_CASE("What nobody knows is an error with PostgreSQL's SQLSTATE") {
    const std::pair<const char*, const char*> errors[] = {
        {"FROB", "42601 syntax error at or near \"FROB\""},
        {"SELECT", "42601 syntax error at end of input"},
        {"SELECT *", "42601 syntax error at end of input"},
        {"SELECT 12345678901", "42601 syntax error at or near \"12345678901\""},
        {"SELECT * FROM pg_class", "42P01 relation \"pg_class\" does not exist"},
        {"SELECT * FROM pg_stat_ssl x", "42601 syntax error at or near \"x\""},
        {"SHOW", "42601 syntax error at end of input"},
        {"SHOW POOLS", "42704 unrecognized configuration parameter \"POOLS\""},
        {"SET work_mem = 1", "42704 unrecognized configuration parameter \"work_mem\""},
        {"SET client_encoding = LATIN1",
         "22023 invalid value for parameter \"client_encoding\": \"latin1\""},
        {"KILL", "42601 syntax error at end of input"},
        {"KILL all", "42601 syntax error at or near \"all\""},
        {"KILL 99999999999999999999", "42601 syntax error at or near \"99999999999999999999\""},
        {"RELOAD now", "42601 syntax error at or near \"now\""},
        {"SELECT 'open", "42601 unterminated quoted string, identifier or comment"},
        {"SHOW HELP /* open", "42601 unterminated quoted string, identifier or comment"}};
    for (const auto& [text, expected] : errors)
        REQUIRE(error(text) == expected);
}

TEST_CASE("Only console users may change anything") {
    for (const VerbRow& row : all_verbs()) {
        INFO(row.tag);
        const bool changes = row.verb == Verb::reload || row.verb == Verb::kill ||
                             row.verb == Verb::drain || row.verb == Verb::shutdown;
        REQUIRE((row.needs == Role::console_user) == changes);
    }
}

TEST_CASE("A text is cut into statements at its semicolons, not at quoted ones") {
    using Parts = std::vector<std::string_view>;
    REQUIRE(split_statements("SELECT 1") == Parts{"SELECT 1"});
    REQUIRE(split_statements("SELECT 1;") == Parts{"SELECT 1"});
    REQUIRE(split_statements("SELECT 1; ;SELECT ';' -- ;\n;") ==
            Parts{"SELECT 1", "SELECT ';' -- ;\n"});
    REQUIRE(split_statements(" ; ").size() == 1);
    REQUIRE(recognise(split_statements(" ;; ").front()).index() == 0);
}
