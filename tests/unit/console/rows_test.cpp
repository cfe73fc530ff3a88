// Rows: PostgreSQL's spellings and cuts, NULL for what is not known, no secret anywhere.
#include "proxy/admin/console/config_rows.h"
#include "proxy/admin/console/connection_rows.h"
#include "proxy/admin/console/run_statement.h"
#include "proxy/admin/console/status_rows.h"
#include "proxy/admin/console/views.h"
#include "tests/support/catch.h"
#include "tests/unit/config/memory_files.h"
#include "tests/unit/console/fake_backend.h"

using namespace pgmoat;
using namespace pgmoat::admin;

namespace {

Connection encrypted() {
    Connection connection;
    connection.id = 7;
    connection.facts.stage = telemetry::SessionStage::live;
    connection.facts.backend_process_id = 4242;
    connection.facts.client_tls = {"TLSv1.3", "TLS_AES_256_GCM_SHA384", 256, "X25519", "", ""};
    return connection;
}

Connection with_certificate(const std::string& subject) {
    Connection connection = encrypted();
    tls::CertificateFacts certificate;
    certificate.subject = subject;
    certificate.serial = "123456789012345678901234567890";
    certificate.issuer = "/CN=ca";
    connection.facts.client_certificate =
        std::make_shared<const tls::CertificateFacts>(certificate);
    return connection;
}

Answer run(const std::string& text, Role role, FakeBackend& backend) {
    return run_statement(std::get<Statement>(recognise(text)), {"bob", role}, backend);
}

} // namespace

TEST_CASE("A row of pg_stat_ssl is PostgreSQL's") {
    const auto rows = pg_stat_ssl_rows({with_certificate("/CN=alice")});
    REQUIRE(rows == std::vector<Row>{{"4242",
                                      "t",
                                      "TLSv1.3",
                                      "TLS_AES_256_GCM_SHA384",
                                      "256",
                                      "/CN=alice",
                                      "123456789012345678901234567890",
                                      "/CN=ca"}});
}

TEST_CASE("A connection in the clear has NULL for everything of TLS") {
    Connection clear = encrypted();
    clear.facts.client_tls = {};
    const auto rows = pg_stat_ssl_rows({clear});
    REQUIRE(rows == std::vector<Row>{{"4242",
                                      "f",
                                      std::nullopt,
                                      std::nullopt,
                                      std::nullopt,
                                      std::nullopt,
                                      std::nullopt,
                                      std::nullopt}});
}

TEST_CASE("pg_stat_ssl shows connections that have a server, pg_stat_ssl_pgmoat all") {
    Connection on_its_way = encrypted();
    on_its_way.facts.stage = telemetry::SessionStage::login;
    Connection console = encrypted();
    console.facts.stage = telemetry::SessionStage::console;
    const std::vector<Connection> all{encrypted(), on_its_way, console};
    REQUIRE(pg_stat_ssl_rows(all).size() == 1);
    REQUIRE(pg_stat_ssl_pgmoat_rows(all).size() == 3);
    REQUIRE(connection_rows(all)[1][10] == "login");
}

TEST_CASE("Names are cut to 63 bytes between two characters") {
    const std::string subject = "/CN=" + std::string(58, 'x') + "\xc3\xa4ndern"; // 62 bytes, then ä
    const auto rows = pg_stat_ssl_rows({with_certificate(subject)});
    REQUIRE(rows[0][5] == subject.substr(0, 62));
    REQUIRE(cut_text(std::string(63, 'x'), 63).size() == 63);
    REQUIRE(cut_text(std::string(64, 'x'), 63).size() == 63);
    REQUIRE(cut_text("\x80\x80\x80", 2).empty());
}

TEST_CASE("Every view has as many values in a row as columns") {
    FakeBackend backend;
    backend.live = {with_certificate("/CN=alice")};
    backend.listed = {RuleView{}};
    backend.shown = {OwnCertificateView{}};
    backend.counted.listeners.resize(1);
    backend.settings = config::load_config(
        "x.conf", config::MemoryFiles("x.conf", "upstream = 'host=a,b'\nconsole_users = bob"));
    for (const ViewRow& view : all_views()) {
        INFO(view.statement);
        const Statement statement = std::get<Statement>(recognise(view.statement));
        const std::vector<Row> rows = rows_of(statement, "bob", backend);
        REQUIRE_FALSE(rows.empty());
        for (const Row& row : rows)
            REQUIRE(row.size() == columns_of(statement).size());
    }
}

TEST_CASE("SHOW CONFIG names value, default, change, file and line, without secrets") {
    const auto config = config::load_config(
        "x.conf",
        config::MemoryFiles("x.conf",
                            "max_connections = 5\n\n"
                            "upstream = 'host=db sslcert=a sslkey=b sslpassword=''se cret'''"));
    bool found_upstream = false;
    for (const Row& row : config_rows(config)) {
        for (const Cell& cell : row)
            REQUIRE((!cell || cell->find("cret") == std::string::npos));
        if (row[0] == "max_connections")
            REQUIRE(row == Row{"max_connections", "5", "1000", "reload", "x.conf", "1"});
        if (row[0] == "port") REQUIRE(row == Row{"port", "6432", "6432", "restart", {}, {}});
        if (row[0] != "upstream") continue;
        found_upstream = true;
        REQUIRE(row[1] == "host=db sslcert=a sslkey=b sslpassword=********");
        REQUIRE(row[5] == "3");
    }
    REQUIRE(found_upstream);
}

TEST_CASE("SHOW CONFIG has no secret in any cell, wherever the file may hold one") {
    const config::MemoryFiles files({
        {"x.conf",
         "upstream = 'host=db sslcert=a sslkey=b sslpassword=marker'\n"
         "upstream.uri = 'postgresql://db/?sslcert=a&sslkey=b&sslpassword=marker'\n"
         "role_query = 'SELECT $1'\n"
         "role_query_conninfo = 'user=u password=marker sslpassword=marker dbname=d'\n"
         "console_users = bob\n"
         "console_auth_file = 'users.txt'\n"
         "ssl_passphrase_command = 'echo marker'\n"},
        {"users.txt",
         "\"bob\" \"SCRAM-SHA-256$4096:bWFya2Vy$" + std::string(43, 'A') +
             "=:" + std::string(43, 'A') + "=\"\n"},
    });
    const auto config = config::load_config("x.conf", files);
    REQUIRE(config.console_secrets.size() == 1);
    for (const Row& row : config_rows(config))
        for (const Cell& cell : row) {
            INFO(*row[0]);
            REQUIRE((!cell || (cell->find("marker") == std::string::npos &&
                               cell->find("bWFya2Vy") == std::string::npos)));
        }
}

TEST_CASE("What drivers call before anything else has a value") {
    FakeBackend backend;
    const std::pair<const char*, const char*> calls[] = {
        {"SELECT current_user", "bob"},
        {"SELECT current_database()", "pgmoat"},
        {"SELECT pg_catalog.current_schema()", "public"},
        {"SELECT current_schema", "public"},
    };
    for (const auto& [text, value] : calls)
        REQUIRE(run(text, Role::stats_user, backend).rows == std::vector<Row>{{value}});
    const Answer version = run("select version()", Role::stats_user, backend);
    REQUIRE(version.rows.at(0).at(0)->starts_with("PostgreSQL 18.0 (pgmoat "));
    REQUIRE(version.tag == "SELECT 1");
    for (const char* text : {"SELECT version", "SELECT current_user()", "SELECT frob()"})
        REQUIRE(std::get<SqlError>(recognise(text)).sqlstate == "0A000");
    REQUIRE(std::get<SqlError>(recognise("SELECT version(), 1")).sqlstate == "42601");
}

TEST_CASE("A rule's lists look like PostgreSQL's arrays") {
    RuleView rule;
    rule.databases = {"all"};
    rule.users = {"alice", "b c", "q\"x", ""};
    const auto rows = rule_rows({rule});
    REQUIRE(rows[0][4] == "{all}");
    REQUIRE(rows[0][5] == R"({alice,"b c","q\"x",""})");
    REQUIRE(rows[0][9] == std::nullopt);
}

TEST_CASE("A stats user can change nothing") {
    FakeBackend backend;
    for (const char* text : {"RELOAD", "KILL 7", "DRAIN", "SHUTDOWN"}) {
        const Answer answer = run(text, Role::stats_user, backend);
        REQUIRE(answer.error);
        REQUIRE(answer.error->sqlstate == "42501");
        REQUIRE(answer.afterwards == Afterwards::nothing);
        REQUIRE_FALSE(answer.reloads);
    }
    REQUIRE(backend.asked.empty());
    REQUIRE_FALSE(run("SHOW CONFIG", Role::stats_user, backend).error);
}

TEST_CASE("A role that the configuration no longer gives is no role") {
    FakeBackend backend;
    backend.settings.console_users = {"bob"};
    const Statement kill = std::get<Statement>(recognise("KILL 7"));
    REQUIRE_FALSE(run_for("bob", kill, backend).error);
    backend.settings.console_users = {};
    backend.settings.console_stats_users = {"bob"};
    REQUIRE(run_for("bob", kill, backend).error->sqlstate == "42501");
    backend.settings.console_stats_users = {};
    const Statement show = std::get<Statement>(recognise("SHOW HELP"));
    REQUIRE(run_for("bob", show, backend).error->sqlstate == "42501");
}

TEST_CASE("A console user kills, reloads, drains and shuts down") {
    FakeBackend backend;
    REQUIRE(run("KILL 7", Role::console_user, backend).tag == "KILL");
    REQUIRE(backend.asked == "kill 7 (ended by console user \"bob\") ");
    REQUIRE(run("KILL 8", Role::console_user, backend).error->sqlstate == "42704");
    const Answer reload = run("RELOAD", Role::console_user, backend);
    REQUIRE(reload.reloads);
    REQUIRE(after_reload(reload, "").tag == "RELOAD");
    REQUIRE(after_reload(reload, "syntax error in file \"x\" line 3").error->message ==
            "syntax error in file \"x\" line 3");
    REQUIRE(run("DRAIN", Role::console_user, backend).afterwards == Afterwards::drain);
    REQUIRE(run("SHUTDOWN", Role::console_user, backend).afterwards == Afterwards::shut_down);
}
