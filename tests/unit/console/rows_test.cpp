// Rows: PostgreSQL's spellings and lengths, NULL for unknown values, never a secret.
#include "proxy/admin/console/config_rows.h"
#include "proxy/admin/console/connection_rows.h"
#include "proxy/admin/console/status_rows.h"
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

TEST_CASE("A plaintext connection has NULL for all TLS columns") {
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

TEST_CASE("A rule's lists look like PostgreSQL's arrays") {
    RuleView rule;
    rule.databases = {"all"};
    rule.users = {"alice", "b c", "q\"x", ""};
    const auto rows = rule_rows({rule});
    REQUIRE(rows[0][4] == "{all}");
    REQUIRE(rows[0][5] == R"({alice,"b c","q\"x",""})");
    REQUIRE(rows[0][9] == std::nullopt);
}

TEST_CASE("A limit has its setting, its use and who meets it; NULL where there is nothing to say") {
    telemetry::LimitStates states;
    states.limits = {{"max_handshakes", "", 3, {}, 0, {}},
                     {"login_rate_per_address", "5/1s", 5, 2, 7, {"10.0.0.1 (6)", "::/64 (1)"}},
                     {"handshake_rate_per_address", "", {}, 0, 0, {}}};
    states.addresses = {{"10.0.0.1", 2, 6, 1, true, 3}, {"::/64", 0, 1, 0, false, 0}};
    const Cell none;
    const auto limits = limit_rows(states);
    REQUIRE(limits[0] == Row{"max_handshakes", none, "3", none, "0", none});
    const Row rate{
        "login_rate_per_address", "5/1s", "5", "2", "7", "{\"10.0.0.1 (6)\",\"::/64 (1)\"}"};
    REQUIRE(limits[1] == rate);
    REQUIRE(limits[2] == Row{"handshake_rate_per_address", none, none, "0", "0", none});
    const auto addresses = address_rows(states);
    REQUIRE(addresses[0] == Row{"10.0.0.1", "2", "6", "1", "t", "3"});
    REQUIRE(addresses[1] == Row{"::/64", "0", "1", "0", "f", "0"});
    REQUIRE(limits[0].size() == limit_columns.size());
    REQUIRE(addresses[0].size() == address_columns.size());
}

TEST_CASE("Each host of an upstream has its state, its attempts and its last error") {
    FakeSnapshot server;
    server.settings =
        config::load_config("x.conf", config::MemoryFiles("x.conf", "upstream = 'host=a,b'"));
    server.hosts = {{"default",
                     "b",
                     5432,
                     false,
                     1'764'000'000,
                     "10.0.0.2:5432",
                     5,
                     2,
                     "refused",
                     1'764'000'060,
                     1'895'000'000,
                     "standby",
                     1'764'000'000,
                     96,
                     "failing",
                     1'764'000'060,
                     "timeout expired",
                     1'764'000'060},
                    {"other", "a", 5432, true, 1, "10.0.0.9:5432", 9, 9, "", 0, 0}};
    const auto rows = upstream_rows(server);
    REQUIRE(rows.size() == 2);
    REQUIRE(rows[0].size() == upstream_columns.size());
    const Cell none;
    REQUIRE(rows[0] == Row{"default", "a",  "5432",    "prefer", "0",  "0",  "0",
                           none,      none, "untried", none,     none, none, none,
                           none,      none, none,      none,     none, none});
    REQUIRE(rows[1] == Row{"default",
                           "b",
                           "5432",
                           "prefer",
                           "0",
                           "5",
                           "2",
                           "refused",
                           "2025-11-24 16:01:00+00",
                           "down",
                           "2025-11-24 16:00:00+00",
                           "10.0.0.2:5432",
                           "2030-01-18 20:53:20+00",
                           "standby",
                           "2025-11-24 16:00:00+00",
                           "96",
                           "failing",
                           "2025-11-24 16:01:00+00",
                           "timeout expired",
                           "2025-11-24 16:01:00+00"});
}

TEST_CASE("SHOW takes settings and parameters, and says what was probably meant") {
    const auto config = config::load_config(
        "x.conf", config::MemoryFiles("x.conf", "port = 7000\nupstream = 'host=a'"));
    REQUIRE(shown_value("PORT", {}, config) == "7000");
    REQUIRE(shown_value("timezone", {}, config) == "UTC");
    REQUIRE(shown_value("ssl", {}, config) == "off");
    REQUIRE_FALSE(shown_value("frob", {}, config));
    SessionParameters session;
    set_parameter(session, "Application_Name", "x");
    REQUIRE(shown_value("application_name", session, config) == "x");
    set_parameter(session, "application_name", "DEFAULT");
    REQUIRE(session.empty());
    REQUIRE(refuse_to_set("port", "1")->sqlstate == "55P02");
    REQUIRE(refuse_to_set("server_version", "9")->sqlstate == "55P02");
    REQUIRE(unrecognized_parameter("max_conections").hint ==
            "Perhaps you meant \"max_connections\".");
}
