// The console's statements other than queries, as a table: statements, errors with their SQLSTATE,
// roles.
#include "proxy/admin/console/help.h"
#include "proxy/admin/console/statement.h"
#include "tests/support/catch.h"
#include "tests/unit/console/client_statements.h"

#include <chrono>
#include <string>
#include <vector>

using namespace pgmoat::admin;

namespace {

std::vector<sql::Tokens> split(std::string_view text) {
    auto tokens = sql::tokenize(text);
    if (const auto* error = std::get_if<SqlError>(&tokens)) FAIL(error->message);
    return sql::split_statements(std::get<sql::Tokens>(std::move(tokens)));
}

Statement statement(std::string_view text) {
    INFO(text);
    const Recognised recognised = recognise(split(text).front());
    if (const auto* error = std::get_if<SqlError>(&recognised)) FAIL(error->message);
    return std::get<Statement>(recognised);
}

SqlError refusal(std::string_view text) {
    INFO(text);
    auto tokens = sql::tokenize(text);
    if (const auto* error = std::get_if<SqlError>(&tokens)) return *error;
    const Recognised recognised = recognise(std::get<sql::Tokens>(tokens));
    if (!std::holds_alternative<SqlError>(recognised)) FAIL("it was understood");
    return std::get<SqlError>(recognised);
}

std::string error(std::string_view text) {
    const SqlError problem = refusal(text);
    return std::string(problem.sqlstate) + ' ' + problem.message;
}

} // namespace

TEST_CASE("SHOW of a view is a query of its relation") {
    for (const View& view : all_views()) {
        const Statement shown = statement("SHOW " + std::string(view.word));
        REQUIRE(shown.verb == Verb::show);
        REQUIRE(shown.query == "SELECT * FROM public." + std::string(view.relation));
    }
}

TEST_CASE("Statements are understood in any case, with comments and blanks") {
    REQUIRE(statement("show\n connections").query == "SELECT * FROM public.connections");
    REQUIRE(statement("/* a /* b */ c */ SHOW -- what?\n Rules").verb == Verb::show);
    REQUIRE(statement("kill 12").id == 12);
    REQUIRE(statement("").verb == Verb::empty);
    REQUIRE(statement(" -- nothing").verb == Verb::empty);
    for (const char* query :
         {"SELECT 1", "(SELECT 1)", "with x as (select 1) table x", "VALUES (1)"})
        REQUIRE(statement(query).verb == Verb::select);
}

TEST_CASE("What drivers send by themselves is understood") {
    for (const std::string_view text : client_statements)
        for (const sql::Tokens& one : split(text)) {
            INFO(text);
            REQUIRE(std::holds_alternative<Statement>(recognise(one)));
        }
    const std::pair<const char*, Verb> sent[] = {
        {"SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY", Verb::set},
        {"SET datestyle TO 'ISO'", Verb::set},
        {"SET client_encoding TO 'UTF8'", Verb::set},
        {"SET TIME ZONE 'UTC'", Verb::set},
        {"SET search_path = e, a$b", Verb::set},
        {"SET LOCAL statement_timeout = 0", Verb::set},
        {"BEGIN READ ONLY", Verb::begin},
        {"START TRANSACTION ISOLATION LEVEL READ COMMITTED", Verb::begin},
        {"ROLLBACK TO SAVEPOINT x", Verb::rollback_to},
        {"DISCARD ALL", Verb::discard},
        {"RESET application_name", Verb::reset},
        {"RESET SESSION AUTHORIZATION", Verb::reset},
        {"DEALLOCATE PREPARE one", Verb::deallocate},
        {"CLOSE ALL", Verb::close},
        {"UNLISTEN *", Verb::unlisten},
        {"SHOW TRANSACTION ISOLATION LEVEL", Verb::show},
        {"SHOW upstream.reports", Verb::show}};
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
    REQUIRE(error("DEALLOCATE a b") == "42601 syntax error at or near \"b\"");
}

TEST_CASE("A quoted string stays in one piece, whatever it contains") {
    for (const char* text : {"SET application_name = E'it\\'; SHUTDOWN; \\''",
                             "SET application_name = $$; SHUTDOWN; $$",
                             "SET application_name = $x$; SHUTDOWN; $x$"}) {
        INFO(text);
        REQUIRE(split(text).size() == 1);
        REQUIRE(statement(text).verb == Verb::set);
    }
    REQUIRE(statement("SET application_name = E'it\\'; SHUTDOWN; \\''").value ==
            "it'; SHUTDOWN; '");
}

TEST_CASE("Comments that never end take one pass over the text") {
    std::string beginnings;
    while (beginnings.size() < 64UL * 1024)
        beginnings += "/*a";
    const auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < 20; ++i)
        REQUIRE(sql::tokenize(beginnings).index() == 1);
    // A few milliseconds; searching again from each position would take many seconds.
    REQUIRE(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
    REQUIRE(statement("/* /* */ /*/ */ */ SHOW HELP").verb == Verb::show);
}

TEST_CASE("Other statements are refused in PostgreSQL's words, with a hint") {
    const std::pair<const char*, const char*> errors[] = {
        {"FROB", "42601 syntax error at or near \"FROB\""},
        {"INSERT INTO t VALUES (1)", "0A000 INSERT is not implemented in the console"},
        {"PAUSE", "0A000 PAUSE is not implemented: pgmoat does not pool connections"},
        {"SHOW POOLS", "0A000 SHOW POOLS is not implemented: pgmoat does not pool connections"},
        {"SHOW", "42601 syntax error at end of input"},
        {"SET frob = 1", "42704 unrecognized configuration parameter \"frob\""},
        {"SET ssl = off", "55P02 parameter \"ssl\" cannot be changed now"},
        {"SET client_encoding = LATIN1",
         "22023 invalid value for parameter \"client_encoding\": \"latin1\""},
        {"KILL", "42601 syntax error at end of input"},
        {"KILL all", "42601 syntax error at or near \"all\""},
        {"KILL $1", "0A000 a parameter of KILL is not implemented in the console"},
        {"KILL 99999999999999999999", "42601 syntax error at or near \"99999999999999999999\""},
        {"RELOAD now", "42601 syntax error at or near \"now\""},
        {"DRAIN edge", "42601 syntax error at or near \"edge\""},
        {"DRAIN LISTENER", "42601 syntax error at end of input"},
        {"DRAIN LISTENER edge HOST db1", "42601 syntax error at or near \"HOST\""},
        {"DRAIN UPSTREAM main HOST", "42601 syntax error at end of input"},
        {"UNDRAIN", "42601 syntax error at end of input"},
        {"SHOW HELP /* open", "42601 unterminated /* comment at or near \"/* open\""}};
    for (const auto& [text, expected] : errors)
        REQUIRE(error(text) == expected);
    REQUIRE(refusal("RELAOD").hint == "Perhaps you meant RELOAD.");
    REQUIRE(refusal("SELCT 1").hint == "Perhaps you meant SELECT.");
    REQUIRE(refusal("KIL 7").hint == "Perhaps you meant KILL.");
    REQUIRE(refusal("SHOW CONECTIONS").hint == "Perhaps you meant SHOW CONNECTIONS.");
    REQUIRE(refusal("XYZZY").hint == "SHOW HELP lists the console's statements.");
}

TEST_CASE("DRAIN and UNDRAIN name everything, a listener, an upstream, or a host of it") {
    using pgmoat::config::Place;
    REQUIRE(statement("DRAIN").place == std::nullopt);
    REQUIRE(statement("DRAIN LISTENER edge").place == Place{Place::Kind::listener, "edge"});
    REQUIRE(statement("drain upstream \"Main\"").place == Place{Place::Kind::upstream, "Main"});
    REQUIRE(statement("DRAIN UPSTREAM main HOST 'db1:5433'").place ==
            Place{Place::Kind::upstream, "main", "db1:5433"});
    const Statement back = statement("UNDRAIN UPSTREAM main HOST db1");
    REQUIRE(back.verb == Verb::undrain);
    REQUIRE(back.place == Place{Place::Kind::upstream, "main", "db1"});
}

TEST_CASE("Only console users may change anything") {
    for (const VerbRow& row : all_verbs()) {
        INFO(row.tag);
        const bool changes = row.verb == Verb::reload || row.verb == Verb::kill ||
                             row.verb == Verb::drain || row.verb == Verb::undrain ||
                             row.verb == Verb::shutdown;
        REQUIRE((row.needs == Role::console_user) == changes);
    }
}

TEST_CASE("A text is cut into statements at its semicolons, not at quoted ones") {
    REQUIRE(split("SELECT 1").size() == 1);
    REQUIRE(split("SELECT 1;").size() == 1);
    REQUIRE(split("SELECT 1; ;SELECT ';' -- ;\n;").size() == 2);
    REQUIRE(split(" ; ").size() == 1);
    REQUIRE(std::get<Statement>(recognise(split(" ;; ").front())).verb == Verb::empty);
}
