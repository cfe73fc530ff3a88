// The configuration that a whole file gives.
#include "proxy/config/config.h"
#include "tests/support/catch.h"
#include "tests/unit/config/memory_files.h"

using namespace pgmoat::config;
using namespace std::chrono_literals;

namespace {

Config load(const std::string& text) {
    return load_config("etc/pgmoat.conf", MemoryFiles("etc/pgmoat.conf", text));
}

bool warns(const Config& config, const std::string& part) {
    for (const std::string& warning : config.warnings)
        if (warning.find(part) != std::string::npos) return true;
    return false;
}

std::string errors_of(const std::string& text) {
    try {
        (void)load(text);
    } catch (const ConfigError& error) {
        return error.what();
    }
    return {};
}

const std::string minimal = "upstream = 'host=db sslmode=disable'\n";

} // namespace

TEST_CASE("a file with nothing but an upstream listens on localhost port 6432") {
    const Config config = load(minimal);
    REQUIRE(config.listeners.size() == 1);
    CHECK(config.listeners[0].name == "default");
    CHECK(config.listeners[0].addresses == std::vector<std::string>{"localhost"});
    CHECK(config.listeners[0].port == 6432);
    CHECK(config.listeners[0].unix_directories.empty());
    CHECK(config.listeners[0].tls_mode == TlsMode::terminate);
    CHECK(config.listeners[0].upstream == "default");
    CHECK(config.upstreams.at("default").hosts[0].host == "db");
}

TEST_CASE("the file of the design's example means what it says") {
    const Config config = load(R"(
        listen_addresses = '*'
        port = 6432
        ssl = on
        ssl_cert_file = 'server.crt'
        ssl_key_file = 'server.key'
        ssl_min_protocol_version = 'tlsv1.3'
        tls_mode = terminate                      # or passthrough
        upstream = 'host=10.0.0.5 port=5432 sslmode=verify-full sslrootcert=root.crt'
        upstream.Reports = 'host=10.0.0.6,10.0.0.7 target_session_attrs=any sslmode=require'
        listener.edge = 'address=0.0.0.0,:: port=5433 tls_mode=passthrough upstream=reports'
        http_listen = '127.0.0.1:9632'
        authentication_timeout = 1min
        shutdown_timeout = '1.5 h'
        log_format = JSON
        user = postgres)");
    CHECK(config.ssl);
    CHECK(config.tls.min_protocol_version == "TLSv1.3");
    CHECK(config.authentication_timeout == 60s);
    CHECK(config.shutdown_timeout == 5400s);
    CHECK(config.log_format == LogFormat::json);
    CHECK(config.user == "postgres");
    CHECK(config.http_listen == "127.0.0.1:9632");
    CHECK(config.upstreams.at("default").sslmode == SslMode::verify_full);
    CHECK(config.upstreams.at("reports").hosts.size() == 2);
    REQUIRE(config.listeners.size() == 2);
    const Listener* const edge = find_listener(config, "edge");
    REQUIRE(edge != nullptr);
    CHECK(edge->addresses == std::vector<std::string>{"0.0.0.0", "::"});
    CHECK(edge->port == 5433);
    CHECK(edge->tls_mode == TlsMode::passthrough);
    CHECK(edge->upstream == "reports");
}

TEST_CASE("relative files are resolved against the configuration file's directory") {
    const Config config = load("upstream = 'host=db sslmode=verify-ca sslrootcert=ca/root.crt"
                               " sslcert=/abs/client.crt sslkey=client.key sslcrldir=crls'\n"
                               "ssl = on\nssl_ca_file = 'clients.crt'\n"
                               "unix_socket_directories = 'run, @abstract, /var/run'\n");
    CHECK(config.directory == "etc");
    CHECK(config.tls.pairs.at(0).certificate_file == "etc/server.crt");
    CHECK(config.tls.pairs.at(0).key_file == "etc/server.key");
    CHECK(config.tls.ca_file == "etc/clients.crt");
    CHECK(config.tls.crl_file.empty());
    CHECK(config.upstreams.at("default").sslrootcert == "etc/ca/root.crt");
    CHECK(config.upstreams.at("default").sslcert == "/abs/client.crt");
    CHECK(config.upstreams.at("default").sslkey == "etc/client.key");
    CHECK(config.upstreams.at("default").sslcrldir == "etc/crls");
    CHECK(config.listeners[0].unix_directories ==
          std::vector<std::string>{"etc/run", "@abstract", "/var/run"});
}

TEST_CASE("sslrootcert=system is no file") {
    const Config config = load("upstream = 'host=db sslrootcert=system'");
    CHECK(config.upstreams.at("default").sslrootcert == "system");
}

TEST_CASE("a listener takes from the plain settings what it does not say") {
    const Config config = load("port = 7000\ntls_mode = passthrough\nupstream = 'host=db'\n"
                               "listen_addresses = ''\nlistener.a = 'address=10.0.0.1'");
    REQUIRE(config.listeners.size() == 1);
    CHECK(config.listeners[0].name == "a");
    CHECK(config.listeners[0].port == 7000);
    CHECK(config.listeners[0].tls_mode == TlsMode::passthrough);
    CHECK(config.listeners[0].upstream == "default");
}

TEST_CASE("a file that describes only named listeners and upstreams gets no default listener") {
    const Config config = load("upstream.a = 'host=db sslmode=disable'\n"
                               "listener.a = 'address=10.0.0.1 upstream=A'");
    REQUIRE(config.listeners.size() == 1);
    CHECK(config.listeners[0].name == "a");
}

TEST_CASE("a plain upstream beside named listeners is theirs, and opens no listener") {
    const Config config = load("upstream = 'host=db sslmode=disable'\n"
                               "listener.a = 'address=10.0.0.1'");
    REQUIRE(config.listeners.size() == 1);
    CHECK(config.listeners[0].upstream == "default");
}

TEST_CASE("the only upstream is that of every listener that names none") {
    const Config config =
        load("upstream.main = 'host=db sslmode=disable'\n"
             "listener.a = 'address=10.0.0.1 port=7002'\nlisten_addresses = '*'\nport = 7000\n"
             "listener.b = 'address=10.0.0.2 port=7001'");
    REQUIRE(config.listeners.size() == 3);
    for (const auto& listener : config.listeners)
        CHECK(listener.upstream == "main");
}

TEST_CASE("a listener may be a unix socket alone") {
    const Config config = load(minimal + "listen_addresses = ''\nunix_socket_directories = '/run'");
    CHECK(config.listeners[0].addresses.empty());
    CHECK(config.listeners[0].unix_directories == std::vector<std::string>{"/run"});
}

TEST_CASE("names of settings are case-insensitive") {
    CHECK(load(minimal + "PORT = 7000").listeners[0].port == 7000);
}

TEST_CASE("the older name ssl_ecdh_curve sets ssl_groups") {
    CHECK(load(minimal + "ssl_ecdh_curve = 'secp384r1'").tls.groups == "secp384r1");
}

TEST_CASE("log_connections takes a Boolean or PostgreSQL 18's list") {
    const auto value = GENERATE(table<std::string, bool>({
        {"on", true},
        {"off", false},
        {"tr", true},
        {"''", false},
        {"'receipt, ALL'", true},
        {"setup_durations", true},
    }));
    CHECK(load(minimal + "log_connections = " + std::get<0>(value)).log_connections ==
          std::get<1>(value));
}

TEST_CASE(
    "of a name set twice the last counts, the first is not looked at, and a warning says so") {
    const Config config = load(minimal + "port = nonsense\nport = 7000");
    CHECK(config.listeners[0].port == 7000);
    CHECK(warns(config,
                "parameter \"port\" in file \"etc/pgmoat.conf\" line 3 replaces its value in file "
                "\"etc/pgmoat.conf\" line 2"));
}

TEST_CASE("a console user whom nothing can prove is warned of") {
    const std::string users = "upstream = 'host=x'\n\nconsole_users = 'a, b'\n";
    const auto told = [](const std::string& text) {
        std::string all;
        for (const std::string& warning : load(text).warnings)
            if (warning.find("cannot log in") != std::string::npos) all += warning + '\n';
        return all;
    };
    CHECK(told(users) ==
          "user \"a\" in \"console_users\" has no entry in \"console_auth_file\" and cannot log in "
          "in file \"etc/pgmoat.conf\" line 3\n"
          "user \"b\" in \"console_users\" has no entry in \"console_auth_file\" and cannot log in "
          "in file \"etc/pgmoat.conf\" line 3\n");
    CHECK(told(users + "unix_socket_directories = '/tmp'\n").empty());
    CHECK(told(users + "hba_file = 'pg_hba.conf'\n").empty());
}

TEST_CASE("warnings name what works and is less than it seems") {
    const auto row = GENERATE(table<std::string, std::string>({
        {"Shared_Buffers = 128MB",
         "parameter \"Shared_Buffers\" in file \"etc/pgmoat.conf\" line 2 has no effect in pgmoat"},
        {"io_method = worker",
         "parameter \"io_method\" in file \"etc/pgmoat.conf\" line 2 has no effect"},
        {"old_snapshot_threshold = 1", "parameter \"old_snapshot_threshold\""},
        {"upstream.x = 'host=x sslmode=require'",
         "\"upstream.x\" is not used by any listener in file \"etc/pgmoat.conf\" line 2"},
        {"upstream = 'host=x'", "sslmode=prefer of \"upstream\" does not protect"},
        {"upstream = 'host=x sslmode=allow'", "sslmode=allow of \"upstream\" does not protect"},
        {"tls_mode = passthrough",
         "connection option \"sslmode\" of \"upstream\" has no effect: only listeners with "
         "tls_mode=passthrough use it in file \"etc/pgmoat.conf\" line 1"},
        {"tls_mode = passthrough\nssl = on", "ssl = on has no effect"},
        {"ssl = on\nssl_cert_file = 'c'\nssl_key_file = 'k'\nssl_passphrase_command = "
         "'x'\nssl_watch = on",
         "ssl_watch = on cannot load a private key with a passphrase: its passphrase command is "
         "run "
         "at start only (\"ssl_passphrase_command_supports_reload\") in file "
         "\"etc/pgmoat.conf\" line 6"},
        {"ssl = off",
         "ssl is off: clients of listeners with tls_mode=terminate are served in plaintext in file "
         "\"etc/pgmoat.conf\" line 2"},
        {"listen_addresses = 'localhost,10.0.0.1'",
         "there are no access rules for \"listen_addresses\": all connections are forwarded to the "
         "server, which authenticates them (set \"hba_file\")"},
        {"hba_file = 'h'\nlistener.x = 'address=10.0.0.1 hba_file='",
         "there are no access rules for \"listener.x\""},
    }));
    INFO(std::get<0>(row));
    CHECK(warns(load(minimal + std::get<0>(row)), std::get<1>(row)));
}

TEST_CASE("a listener has the rules of hba_file unless it names its own") {
    const Config config = load(minimal + R"(
hba_file = 'pg_hba.conf'
hba_dry_run_file = '/etc/next_hba.conf'
ident_file = 'pg_ident.conf'
listen_addresses = 'localhost'
listener.edge = 'address=::1 hba_file=edge_hba.conf hba_dry_run_file='
listener.near = 'address=127.0.0.9'
)");
    CHECK(config.ident_file == "etc/pg_ident.conf");
    CHECK(find_listener(config, "default")->hba_file == "etc/pg_hba.conf");
    CHECK(find_listener(config, "default")->hba_dry_run_file == "/etc/next_hba.conf");
    CHECK(find_listener(config, "edge")->hba_file == "etc/edge_hba.conf");
    CHECK(find_listener(config, "edge")->hba_dry_run_file.empty());
    CHECK(find_listener(config, "near")->hba_file == "etc/pg_hba.conf");
    CHECK(config.hba_on_reload == HbaOnReload::keep);
    CHECK_FALSE(warns(load(minimal + "hba_file = 'h'\nlisten_addresses = '*'"),
                      "there are no access rules"));
    for (const char* local : {"", "listen_addresses = '127.0.0.1,::1'\n"})
        CHECK_FALSE(warns(load(minimal + local), "there are no access rules"));
}

TEST_CASE("hba_dry_run_file is still taken under its old name, with a warning") {
    const Config config = load(minimal + R"(
hba_audit_file = '/etc/next_hba.conf'
listen_addresses = 'localhost'
listener.edge = 'address=::1 hba_audit_file=edge_hba.conf'
listener.near = 'address=127.0.0.9'
)");
    CHECK(find_listener(config, "default")->hba_dry_run_file == "/etc/next_hba.conf");
    CHECK(find_listener(config, "edge")->hba_dry_run_file == "etc/edge_hba.conf");
    CHECK(find_listener(config, "near")->hba_dry_run_file == "/etc/next_hba.conf");
    CHECK(warns(config, "\"hba_audit_file\""));
    CHECK(warns(config, "is deprecated: its name is \"hba_dry_run_file\""));
    CHECK(warns(config, "\"listener.edge\": listener option \"hba_audit_file\" is deprecated"));
    CHECK_FALSE(warns(load(minimal + "hba_dry_run_file = 'h'"), "deprecated"));
}

TEST_CASE("a protected upstream and one on this machine bring no warning about sslmode") {
    const auto text = GENERATE(as<std::string>{},
                               "upstream = 'host=x sslmode=require'",
                               "upstream = 'host=x sslmode=disable'",
                               "upstream = 'host=/run'");
    CHECK_FALSE(warns(load(text), "does not protect"));
}

TEST_CASE("a watched key whose passphrase can be asked for again brings no warning") {
    CHECK_FALSE(
        warns(load(minimal + "ssl = on\nssl_cert_file = 'c'\nssl_key_file = 'k'\nssl_watch = on\n"
                             "ssl_passphrase_command = 'x'\n"
                             "ssl_passphrase_command_supports_reload = on"),
              "ssl_watch"));
}

TEST_CASE("an unsupported setting of PostgreSQL is fine with the value that changes nothing") {
    const auto line = GENERATE(as<std::string>{},
                               "ssl_renegotiation_limit = 0",
                               "unix_socket_permissions = 0777",
                               "unix_socket_permissions = 511",
                               "gss_accept_delegation = OFF",
                               "gss_accept_delegation = fa",
                               "log_hostname = 0");
    INFO(line);
    CHECK(load(minimal + line).warnings == load(minimal).warnings);
}

TEST_CASE("a whole postgresql.conf of PostgreSQL is understood, word for word what has no effect") {
    const Config config = load(minimal + R"(
# - Memory -
shared_buffers = 128MB			# min 128kB
dynamic_shared_memory_type = posix	# the default
max_wal_size = 1GB
log_timezone = 'Etc/UTC'
datestyle = 'iso, mdy'
lc_messages = 'C'
default_text_search_config = 'pg_catalog.english'
cluster_name = '15/main'
)");
    std::size_t without_effect = 0;
    for (const std::string& warning : config.warnings)
        if (warning.ends_with("has no effect in pgmoat")) ++without_effect;
    CHECK(without_effect == 8);
}

TEST_CASE("an endpoint is a host and a port, IPv6 in brackets") {
    const auto v4 = parse_endpoint("127.0.0.1:9632");
    REQUIRE(v4);
    CHECK(v4->host == "127.0.0.1");
    CHECK(v4->port == 9632);
    const auto v6 = parse_endpoint("[::1]:65535");
    REQUIRE(v6);
    CHECK(v6->host == "::1");
    CHECK(v6->port == 65535);
    for (const char* wrong : {"",
                              ":",
                              "host",
                              "host:",
                              ":80",
                              "::1:80",
                              "[::1]",
                              "[]:80",
                              "[h]:80",
                              "h:0",
                              "h:65536",
                              "h:+1",
                              "h: 1",
                              "h:999999999999",
                              "[::1:80",
                              "a]:80"}) {
        INFO(wrong);
        CHECK_FALSE(parse_endpoint(wrong));
    }
}

TEST_CASE(
    "the login of the role query may have keywords that an upstream may not, its files beside the "
    "main one") {
    const Config config = load(minimal + R"(
        role_query = 'SELECT $1'
        role_query_conninfo = 'user=roles dbname=postgres passfile=roles.pass')");
    CHECK(config.role_query == "SELECT $1");
    REQUIRE(config.role_query_conninfo.size() == 3);
    CHECK(config.role_query_conninfo[0].keyword == "user");
    CHECK(config.role_query_conninfo[2].value == "etc/roles.pass");
}

TEST_CASE("the role query and its login must be set together") {
    CHECK(errors_of(minimal + "role_query = 'SELECT $1'")
              .starts_with("\"role_query\" needs \"role_query_conninfo\""));
    CHECK(errors_of(minimal + "role_query_conninfo = 'user=x'")
              .starts_with("\"role_query_conninfo\" needs \"role_query\""));
}

TEST_CASE("a bridged login needs a source of secrets, and a query a login") {
    CHECK(errors_of(minimal + "login = bridge")
              .starts_with("login mode \"bridge\" needs SCRAM secrets"));
    CHECK(errors_of("upstream.a = 'host=x login=bridge'\n" + minimal)
              .starts_with("login mode \"bridge\" needs SCRAM secrets"));
    CHECK(errors_of(minimal + "auth_query = 'SELECT 1, $1'")
              .starts_with("\"auth_query\" needs \"auth_query_conninfo\""));
    const Config config =
        load(minimal + "login = bridge\nauth_query_conninfo = 'user=a sslkey=a.key'");
    CHECK(config.login == LoginMode::bridge);
    CHECK(config.auth_query == default_auth_query);
    CHECK(config.auth_query_conninfo[1].value == "etc/a.key");
    CHECK(has_secret_source(config));
}

TEST_CASE("what is wrong with the login of the role query is said without its password") {
    const std::string errors = errors_of(
        minimal + "role_query_conninfo = 'password=secret usr=x'\nrole_query = 'SELECT $1'");
    CHECK(errors.find("invalid connection option \"usr\"") != std::string::npos);
    CHECK(errors.find("secret") == std::string::npos);
}

TEST_CASE("a template is for rules alone") {
    const Config config =
        load(minimal + R"(upstream.tenant = 'host=\1-rw.svc sslmode=require')" + "\n");
    CHECK(config.upstreams.at("tenant").groups == 1);
    CHECK(config.given.at("upstream.tenant").value.find("\\1-rw.svc") != std::string::npos);
    CHECK(errors_of(R"(upstream = 'host=\1-rw.svc sslmode=require')") ==
          "\"upstream\" is a template and cannot be the upstream of listener \"default\": only "
          "rules with sni= can choose it in file \"etc/pgmoat.conf\" line 1");
}
