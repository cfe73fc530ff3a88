// `health = '...'`: both kinds, their options and their errors.
#include "proxy/config/config.h"
#include "proxy/config/health_check.h"
#include "tests/support/catch.h"
#include "tests/unit/config/memory_files.h"

using namespace pgmoat::config;
using namespace std::chrono_literals;

namespace {

std::string error_of(const std::string& text) {
    try {
        (void)parse_health_check(text);
    } catch (const ConninfoError& error) {
        return error.what();
    }
    return "(parsed)";
}

std::vector<std::string> errors_of(const std::string& text) {
    try {
        (void)load_config("x.conf", MemoryFiles("x.conf", text));
    } catch (const ConfigError& error) {
        return error.messages;
    }
    return {"(loaded)"};
}

} // namespace

TEST_CASE("a check by SQL has a login, and limits of its own") {
    const HealthCheck check =
        parse_health_check("sql user=pgmoat_health interval=500ms timeout=1s lag=16MB port=5433");
    CHECK(check.kind == HealthCheck::Kind::sql);
    CHECK(check.interval == 500ms);
    CHECK(check.timeout == 1s);
    CHECK(check.lag_bytes_max == 16u * 1024 * 1024);
    REQUIRE(check.login.size() == 3);
    CHECK(check.login[0].value == "pgmoat_health");
    CHECK(check.login[1].keyword == "port");
    CHECK(check.login[2].keyword == "dbname");
    CHECK(check.login[2].value == "postgres");
    const HealthCheck plain = parse_health_check("  sql user=x dbname=y");
    CHECK(plain.interval == 3s);
    CHECK(plain.timeout == 2s);
    CHECK_FALSE(plain.lag_bytes_max);
    CHECK(plain.login.size() == 2);
}

TEST_CASE("a check by Patroni has addresses, and verifies https") {
    const HealthCheck check = parse_health_check(
        "patroni=https://10.0.0.1:8008,https://[fe80::1]:8009/ interval=2s sslrootcert=ca.crt "
        "sslcert=c.crt sslkey=c.key");
    CHECK(check.kind == HealthCheck::Kind::patroni);
    REQUIRE(check.urls.size() == 2);
    CHECK(check.urls[0].host == "10.0.0.1");
    CHECK(check.urls[0].port == 8008);
    CHECK(check.urls[0].tls);
    CHECK(check.urls[1].host == "fe80::1");
    CHECK(shown(check.urls[1]) == "https://[fe80::1]:8009");
    CHECK(check.tls.verify == pgmoat::tls::Verify::chain_and_name);
    CHECK_FALSE(check.tls.offer_postgresql);
    CHECK(parse_health_check("patroni=https://a:1 sslmode=require").tls.verify ==
          pgmoat::tls::Verify::nothing);
    CHECK(parse_health_check("patroni=https://a:1 sslmode=verify-ca sslrootcert=x").tls.verify ==
          pgmoat::tls::Verify::chain);
    CHECK_FALSE(parse_health_check("patroni=http://a:1").urls[0].tls);
}

TEST_CASE("what is wrong with a health check is said") {
    const auto row = GENERATE(table<std::string, std::string>({
        {"", R"(a health check begins with "sql" or has "patroni")"},
        {"interval=1s", R"(a health check begins with "sql" or has "patroni")"},
        {"sqlx", R"(missing "=" after "sqlx" in health check)"},
        {"sql", R"(a health check by SQL needs "user": the login that asks)"},
        {"sql user=x interval=100ms",
         R"(100 ms is outside the valid range for parameter "interval" (200 ms .. 3600000 ms))"},
        {"sql user=x timeout=soon", R"(invalid value for parameter "timeout": "soon")"},
        {"sql user=x usr=y", R"(invalid option "usr" of a health check)"},
        {"sql user=x host=y",
         R"(option "host" cannot be used: each host of the upstream is asked by itself)"},
        {"sql user=x proxy_protocol=v3", R"(invalid proxy_protocol value: "v3")"},
        {"patroni=10.0.0.1:8008",
         R"(invalid URL "10.0.0.1:8008": expected http://HOST:PORT or https://HOST:PORT)"},
        {"patroni=http://a",
         R"(invalid URL "http://a": expected http://HOST:PORT or https://HOST:PORT)"},
        {"patroni=http://a:0",
         R"(invalid URL "http://a:0": expected http://HOST:PORT or https://HOST:PORT)"},
        {"patroni=http://a:8008/cluster",
         R"(invalid URL "http://a:8008/cluster": expected http://HOST:PORT or https://HOST:PORT)"},
        {"patroni=http://u@a:8008",
         R"(invalid URL "http://u@a:8008": expected http://HOST:PORT or https://HOST:PORT)"},
        {"patroni=https://a:1",
         "https needs sslrootcert: there is no default root certificate file here"},
        {"patroni=https://a:1 sslmode=prefer",
         R"(invalid sslmode value: "prefer" (use "verify-full", "verify-ca" or "require"))"},
        {"patroni=http://a:1 sslrootcert=x", "options of TLS need a URL with https"},
        {"patroni=https://a:1 sslrootcert=x sslcert=y", "sslcert and sslkey must be set together"},
        {"patroni=http://a:1 user=x", R"(invalid option "user" of a health check)"},
    }));
    CHECK(error_of(std::get<0>(row)) == std::get<1>(row));
}

TEST_CASE("a health check is shown without its password") {
    CHECK(health_check_without_secrets("sql user=x password=y interval=1s") ==
          "sql user=x password=******** interval=1s");
    CHECK(health_check_without_secrets("patroni=http://a:1") == "patroni=http://a:1");
}

TEST_CASE(
    "a check needs an upstream whose hosts can be told apart, and passed-through TLS a check") {
    const auto row = GENERATE(table<std::string, std::string>({
        {"upstream = 'host=a,b target_session_attrs=primary'\ntls_mode = passthrough",
         R"(target_session_attrs=primary of "upstream" needs "health" for listeners with tls_mode=passthrough: servers tell their roles in the login, which cannot be seen there in file "x.conf" line 1)"},
        {"upstream = 'host=a sslmode=disable'\nhealth.x = 'sql user=y'",
         R"("health.x" is of an upstream that is not set: "upstream.x" in file "x.conf" line 2)"},
        {"upstream = 'host=a,a sslmode=disable'\nhealth = 'sql user=y'",
         R"("health" cannot tell the hosts of "upstream" apart: two have the same name and port in file "x.conf" line 2)"},
        {"upstream = 'host=a sslmode=disable'\nhealth = 'sql'",
         R"(invalid value for parameter "health": a health check by SQL needs "user": the login that asks in file "x.conf" line 2)"},
        {"upstream = 'host=a sslmode=disable'\nhealth.default = 'sql user=x'",
         R"(health name "default" is reserved in file "x.conf" line 2)"},
    }));
    CHECK(errors_of(std::get<0>(row)) == std::vector<std::string>{std::get<1>(row)});
}

TEST_CASE("the files of a health check are relative to the configuration's directory") {
    const Config config = load_config(
        "folder/x.conf",
        MemoryFiles("folder/x.conf",
                    "upstream = 'host=a,b sslmode=disable target_session_attrs=read-write'\n"
                    "health = 'patroni=https://a:8008 sslrootcert=ca.crt'\n"
                    "upstream.two = 'host=c sslmode=disable'\n"
                    "health.two = 'sql user=x passfile=p'\n"
                    "on_role_change = keep\n"));
    CHECK(config.health.at("default").tls.root_certificate_file == "folder/ca.crt");
    CHECK(config.health.at("two").login[1].value == "folder/p");
    CHECK(config.on_role_change == OnRoleChange::keep);
    CHECK(config.upstreams.at("default").target_session_attrs == SessionAttrs::read_write);
}
