// Files that must not load, each with all its errors.
#include "proxy/config/config.h"
#include "tests/support/catch.h"
#include "tests/unit/config/memory_files.h"

using namespace pgmoat::config;

namespace {

std::vector<std::string> errors_of(const std::string& text) {
    try {
        (void)load_config("x.conf", MemoryFiles("x.conf", text));
    } catch (const ConfigError& error) {
        return error.messages;
    }
    return {"(loaded)"};
}

const std::string upstream = "upstream = 'host=db sslmode=disable'\n";

// Without its place.
std::string only_error_of(const std::string& text) {
    const std::vector<std::string> errors = errors_of(upstream + text);
    return errors.size() == 1 ? errors[0].substr(0, errors[0].find(" in file")) : "";
}

} // namespace

TEST_CASE("a bad value is refused in PostgreSQL's words, with file and line") {
    const auto row = GENERATE(table<std::string, std::string>({
        {"portt = 1",
         R"(unrecognized configuration parameter "portt" in file "x.conf" line 2)"
         R"( (Did you mean "port"?))"},
        {"Upstreem.x = 'host=a'",
         R"(unrecognized configuration parameter "Upstreem.x" in file "x.conf" line 2)"
         R"( (Did you mean "upstream."?))"},
        {"pg_stat_statements.track = all",
         R"(unrecognized configuration parameter "pg_stat_statements.track" in file "x.conf" line 2)"},
        {"\xef\xbb\xbfport = 1",
         "unrecognized configuration parameter \"\xef\xbb\xbfport\" in file \"x.conf\" line 2"},
        {"port = 0",
         R"(0 is outside the valid range for parameter "port" (1 .. 65535) in file "x.conf" line 2)"},
        {"port = 65536",
         R"(65536 is outside the valid range for parameter "port" (1 .. 65535) in file "x.conf" line 2)"},
        {"port = http", R"(invalid value for parameter "port": "http" in file "x.conf" line 2)"},
        {"port = 99999999999",
         R"(invalid value for parameter "port": "99999999999" in file "x.conf" line 2 (Value exceeds integer range.))"},
        {"port = 1s", R"(invalid value for parameter "port": "1s" in file "x.conf" line 2)"},
        {"ssl = o", R"(parameter "ssl" requires a Boolean value in file "x.conf" line 2)"},
        {"ssl = ''", R"(parameter "ssl" requires a Boolean value in file "x.conf" line 2)"},
        {"log_disconnections = 2",
         R"(parameter "log_disconnections" requires a Boolean value in file "x.conf" line 2)"},
        {"tls_mode = terminated",
         R"(invalid value for parameter "tls_mode": "terminated" in file "x.conf" line 2 (Available values: terminate, passthrough.))"},
        {"ssl_min_protocol_version = SSLv3",
         R"(invalid value for parameter "ssl_min_protocol_version": "SSLv3" in file "x.conf" line 2 (Available values: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3.))"},
        {"ssl_min_protocol_version = ''",
         R"(invalid value for parameter "ssl_min_protocol_version": "" in file "x.conf" line 2 (Available values: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3.))"},
        {"ssl_max_protocol_version = TLSv2",
         R"(invalid value for parameter "ssl_max_protocol_version": "TLSv2" in file "x.conf" line 2 (Available values: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3.))"},
        {"log_min_messages = panic",
         R"(invalid value for parameter "log_min_messages": "panic" in file "x.conf" line 2 (Available values: debug1, debug2, debug3, debug4, debug5, info, notice, warning, error, log.))"},
        {"login_rate_per_address = '10'",
         R"(invalid value for parameter "login_rate_per_address": "10" (Expected NUMBER/TIME or NUMBER/TIME burst=NUMBER, such as 20/1min burst=50.) in file "x.conf" line 2)"},
        {"address_limits_exempt = '10.0.0.0/8, 10.0.0.1/8'",
         R"(invalid value for parameter "address_limits_exempt": "10.0.0.0/8, 10.0.0.1/8" ("10.0.0.1/8" is not a network.) in file "x.conf" line 2)"},
        {"log_format = xml",
         R"(invalid value for parameter "log_format": "xml" in file "x.conf" line 2 (Available values: text, json.))"},
        {"authentication_timeout = 0",
         R"(0 s is outside the valid range for parameter "authentication_timeout" (1 s .. 600 s) in file "x.conf" line 2)"},
        {"authentication_timeout = 1us",
         R"(0 s is outside the valid range for parameter "authentication_timeout" (1 s .. 600 s) in file "x.conf" line 2)"},
        {"authentication_timeout = 1MB",
         R"(invalid value for parameter "authentication_timeout": "1MB" in file "x.conf" line 2 (Valid units for this parameter are "us", "ms", "s", "min", "h", and "d".))"},
        {"tcp_user_timeout = -1",
         R"(-1 ms is outside the valid range for parameter "tcp_user_timeout" (0 ms .. 2147483647 ms) in file "x.conf" line 2)"},
        {"max_connections = 0",
         R"(0 is outside the valid range for parameter "max_connections" (1 .. 262143) in file "x.conf" line 2)"},
        {"relay_threads = 0",
         R"(0 is outside the valid range for parameter "relay_threads" (1 .. 256) in file "x.conf" line 2)"},
        {"relay_spin = 11ms",
         R"(11000 us is outside the valid range for parameter "relay_spin" (0 us .. 10000 us) in file "x.conf" line 2)"},
        {"control_threads = 257",
         R"(257 is outside the valid range for parameter "control_threads" (1 .. 256) in file "x.conf" line 2)"},
        {"log_connections = foo",
         R"(invalid value for parameter "log_connections": "foo" (Invalid option "foo".) in file "x.conf" line 2)"},
        {"log_connections = 'receipt,on'",
         R"(invalid value for parameter "log_connections": "receipt,on" (Invalid option "on".) in file "x.conf" line 2)"},
        {"log_connections = 'on,receipt'",
         R"(invalid value for parameter "log_connections": "on,receipt" (Cannot specify log_connections option "on" in a list with other options.) in file "x.conf" line 2)"},
        {"log_connections = 'a b'",
         R"(invalid value for parameter "log_connections": "a b" (Invalid list syntax in parameter "log_connections".) in file "x.conf" line 2)"},
        {"listen_addresses = 'a b'",
         R"(invalid value for parameter "listen_addresses": "a b" (Invalid list syntax in parameter "listen_addresses".) in file "x.conf" line 2)"},
        {"unix_socket_directories = 'a,,b'",
         R"(invalid value for parameter "unix_socket_directories": "a,,b" (Invalid list syntax in parameter "unix_socket_directories".) in file "x.conf" line 2)"},
        {"http_listen = 9632",
         R"(invalid value for parameter "http_listen": "9632" (Expected HOST:PORT, an IPv6 address in brackets.) in file "x.conf" line 2)"},
        {"upstream.a = 'host=x sslmode=on'",
         R"(invalid value for parameter "upstream.a": invalid sslmode value: "on" in file "x.conf" line 2)"},
        {"upstream.a = 'host=x sslpassword=secret foo'",
         R"(invalid value for parameter "upstream.a": missing "=" after "foo" in connection info string in file "x.conf" line 2)"},
        {"upstream.default = 'host=x'",
         R"(upstream name "default" is reserved in file "x.conf" line 2)"},
        {"upstream.gr\xc3\xb6n = 'host=x'",
         "upstream name \"gr\xc3\xb6n\" may hold ASCII letters, digits and underscores only in "
         "file \"x.conf\" line 2"},
        {"listener.a = 'address=x foo=1'",
         R"(invalid value for parameter "listener.a": invalid listener option "foo" in file "x.conf" line 2)"},
        {"listener.a = 'address=x proxy_protocol=on'",
         R"(invalid value for parameter "listener.a": invalid proxy_protocol value: "on" in file "x.conf" line 2)"},
        {"listener.a = 'address=x proxy_protocol=require'",
         R"(invalid value for parameter "listener.a": proxy_protocol=require needs "trusted": the networks of the proxies that may say who a client is in file "x.conf" line 2)"},
        {"listener.a = 'address=x trusted=10.0.0.0/8'",
         R"(invalid value for parameter "listener.a": "trusted" needs proxy_protocol=require in file "x.conf" line 2)"},
        {"listener.a = 'address=x proxy_protocol=require trusted=10.0.0.1/8'",
         R"(invalid value for parameter "listener.a": invalid network "10.0.0.1/8" in "trusted" in file "x.conf" line 2)"},
        {"auth_query_conninfo = 'user=x proxy_protocol=v3'",
         R"(invalid value for parameter "auth_query_conninfo": invalid proxy_protocol value: "v3" in file "x.conf" line 2)"},
        {"role_query_conninfo = 'user=x login=relay'",
         R"(invalid value for parameter "role_query_conninfo": "login" is about clients' logins in file "x.conf" line 2)"},
        {"listener.a = 'port=1'",
         R"(invalid value for parameter "listener.a": a listener needs "address" or "unix_socket_directory" in file "x.conf" line 2)"},
        {"listener.a = 'address=x port=0'",
         R"(invalid value for parameter "listener.a": 0 is outside the valid range for parameter "port" (1 .. 65535) in file "x.conf" line 2)"},
        {"listener.a = 'address=x tls_mode=off'",
         R"(invalid value for parameter "listener.a": invalid tls_mode value: "off" in file "x.conf" line 2)"},
        {"listener.a = 'address=,'",
         R"(invalid value for parameter "listener.a": invalid address value: "," in file "x.conf" line 2)"},
        {"listener.a = 'address=x unix_socket_directory='",
         R"(invalid value for parameter "listener.a": invalid unix_socket_directory value: "" in file "x.conf" line 2)"},
        {"listener.a = 'address'",
         R"(invalid value for parameter "listener.a": missing "=" after "address" in listener string in file "x.conf" line 2)"},
        {"listener.a = 'address=''x'",
         R"(invalid value for parameter "listener.a": unterminated quoted string in listener string in file "x.conf" line 2)"},
        {"listener.default = 'address=x'",
         R"(listener name "default" is reserved in file "x.conf" line 2)"},
        {"include 'x.conf'", R"(configuration file recursion in "x.conf" in file "x.conf" line 2)"},
        {"port 5 6", R"(syntax error in file "x.conf" line 2, near token "6")"},
    }));
    INFO(std::get<0>(row));
    CHECK(errors_of(upstream + std::get<0>(row)) == std::vector<std::string>{std::get<1>(row)});
}

TEST_CASE("a setting of PostgreSQL that would protect someone is refused, not ignored") {
    const auto row = GENERATE(table<std::string, std::string>({
        {"ssl_renegotiation_limit = 512MB",
         R"("ssl_renegotiation_limit" is not supported by this version of pgmoat: there is no renegotiation)"},
        {"log_hostname = on",
         R"("log_hostname" is not supported by this version of pgmoat: client addresses are never resolved to names)"},
        {"krb_caseins_users = on",
         R"("krb_caseins_users" is not supported by this version of pgmoat: GSSAPI encryption is always refused)"},
        {"unix_socket_permissions = 0700",
         R"("unix_socket_permissions" is not supported by this version of pgmoat: unix sockets are open to every local user)"},
        {"unix_socket_group = 'dba'",
         R"("unix_socket_group" is not supported by this version of pgmoat: unix sockets are open to every local user)"},
        {"db_user_namespace = on",
         R"("db_user_namespace" is not supported by this version of pgmoat: the server alone knows users)"},
    }));
    INFO(std::get<0>(row));
    CHECK(errors_of(upstream + std::get<0>(row)) ==
          std::vector<std::string>{"parameter " + std::get<1>(row) + " in file \"x.conf\" line 2"});
}

TEST_CASE("settings that do not fit together are refused") {
    const auto row = GENERATE(table<std::string, std::string>({
        {"", R"(there is no upstream: set "upstream" or "upstream.NAME" in file "x.conf")"},
        {"port = 1", R"(there is no upstream: set "upstream" or "upstream.NAME" in file "x.conf")"},
        {"upstream = 'host=x sslmode=disable'\nlisten_addresses = ''",
         R"(there is no listener: set "listen_addresses", "unix_socket_directories" or "listener.NAME" in file "x.conf" line 2)"},
        {"upstream = 'host=x'\nlistener.a = 'address=1.2.3.4 upstream=nope'",
         R"(upstream "upstream.nope" of "listener.a" is not set in file "x.conf" line 2)"},
        {"upstream.b = 'host=x'\nlisten_addresses = '*'\nupstream.c = 'host=x'",
         R"("listen_addresses" has no upstream: set "upstream" in file "x.conf" line 2)"},
        {"upstream.b = 'host=x'\nlistener.a = 'address=1.2.3.4 port=1'\nupstream.c = 'host=x'",
         R"("listener.a" has no upstream: set "upstream", or upstream=NAME in "listener.a" in file "x.conf" line 2)"},
        {"upstream = 'host=x'\nlisten_addresses = '*'\nlistener.a = 'address=10.0.0.1'",
         R"(address "10.0.0.1" port 6432 of "listener.a" is already used by "listen_addresses" for address "*" port 6432 in file "x.conf" line 3)"},
        {"upstream = 'host=x'\nlistener.a = 'address=10.0.0.1 port=1'\nlistener.b = "
         "'address=0.0.0.0 port=1'",
         R"(address "0.0.0.0" port 1 of "listener.b" is already used by "listener.a" for address "10.0.0.1" port 1 in file "x.conf" line 3)"},
        {"upstream = 'host=x'\nlisten_addresses = 'LocalHost,localhost'",
         R"(address "localhost" port 6432 of "listen_addresses" is already used by "listen_addresses" for address "localhost" port 6432 in file "x.conf" line 2)"},
        {"upstream = 'host=x'\nlisten_addresses = '::'\nhttp_listen = '[::1]:6432'",
         R"(address "::1" port 6432 of "http_listen" is already used by "listen_addresses" for address "::" port 6432 in file "x.conf" line 3)"},
        {"upstream = 'host=x'\nunix_socket_directories = '/run'\nlistener.a = "
         "'unix_socket_directory=/run'",
         R"(Unix-domain socket "/run/.s.PGSQL.6432" of "listener.a" is already used by "unix_socket_directories" for Unix-domain socket "/run/.s.PGSQL.6432" in file "x.conf" line 3)"},
        {"upstream = 'host=x'\nssl = on\nssl_cert_file = ''",
         R"(ssl = on needs "ssl_cert_file" in file "x.conf" line 3)"},
        {"upstream = 'host=x'\nssl = on\nssl_key_file = ''",
         R"(ssl = on needs "ssl_key_file" in file "x.conf" line 3)"},
        {"upstream = 'host=x'\nssl = on\nssl_cert_file = 'a.crt, b.crt'",
         R"("ssl_key_file" needs as many files as "ssl_cert_file" in file "x.conf")"},
        {"upstream = 'host=x'\nssl = on\nssl_min_protocol_version = "
         "'TLSv1.3'\nssl_max_protocol_version = 'TLSv1.2'",
         R"(could not set SSL protocol version range in file "x.conf" line 4 ("ssl_min_protocol_version" cannot be higher than "ssl_max_protocol_version"))"},
    }));
    INFO(std::get<0>(row));
    CHECK(errors_of(std::get<0>(row)) == std::vector<std::string>{std::get<1>(row)});
}

TEST_CASE("IPv4 and IPv6 sockets on one port do not collide") {
    CHECK(errors_of(upstream + "listen_addresses = '0.0.0.0,::'") ==
          std::vector<std::string>{"(loaded)"});
}

TEST_CASE("a unix socket path must fit into an address") {
    const std::string folder(100, 'd');
    CHECK(errors_of(upstream + "unix_socket_directories = '/" + folder + "'") ==
          std::vector<std::string>{"Unix-domain socket path \"/" + folder +
                                   "/.s.PGSQL.6432\" is too long (maximum 107 bytes) in file "
                                   "\"x.conf\" line 2"});
}

TEST_CASE("listeners, their addresses and upstreams have a limit") {
    std::string addresses = "a0";
    for (int i = 1; i <= 64; ++i)
        addresses += ",a" + std::to_string(i);
    CHECK(only_error_of("listen_addresses = '" + addresses + "'") ==
          R"(parameter "listen_addresses" has more than 64 values)");
    CHECK(only_error_of("unix_socket_directories = '" + addresses + "'") ==
          R"(parameter "unix_socket_directories" has more than 64 values)");
    CHECK(only_error_of("listener.a = 'address=" + addresses + "'") ==
          R"(invalid value for parameter "listener.a": "address" has more than 64 values)");
    std::string listeners;
    for (int i = 0; i <= 64; ++i) {
        const std::string number = std::to_string(i);
        listeners += "listener.a" + number + " = 'address=h" + number + "'\n";
    }
    CHECK(only_error_of(listeners) == R"(parameter "listener.NAME" has more than 64 values)");
    std::string upstreams;
    for (int i = 0; i < 256; ++i)
        upstreams += "upstream.u" + std::to_string(i) + " = 'host=h'\n";
    CHECK(only_error_of(upstreams) == R"(parameter "upstream.NAME" has more than 256 values)");
}

TEST_CASE("hba_dry_run_file under both of its names is refused") {
    const std::string same = R"("hba_audit_file" and "hba_dry_run_file" are the same: )"
                             R"(set only "hba_dry_run_file")";
    const std::string old_name = "hba_audit_file = a\n";
    const std::string new_name = "hba_dry_run_file = b\n";
    CHECK(only_error_of(old_name + new_name) == "parameters " + same);
    CHECK(only_error_of(new_name + old_name) == "parameters " + same);
    const auto both = GENERATE(as<std::string>{},
                               "hba_audit_file=a hba_dry_run_file=b",
                               "hba_dry_run_file=b hba_audit_file=a");
    CHECK(only_error_of("listener.a = 'address=x " + both + "'") ==
          R"(invalid value for parameter "listener.a": listener options )" + same);
}

TEST_CASE("all errors of a file are reported together, in the order of its lines") {
    CHECK(
        errors_of("port = x\nfoo = 1\nssl = maybe\nlog_hostname = on\nupstream = 'host'\n") ==
        std::vector<std::string>{
            R"(invalid value for parameter "port": "x" in file "x.conf" line 1)",
            R"(unrecognized configuration parameter "foo" in file "x.conf" line 2)",
            R"(parameter "ssl" requires a Boolean value in file "x.conf" line 3)",
            R"(parameter "log_hostname" is not supported by this version of pgmoat: client addresses are never resolved to names in file "x.conf" line 4)",
            R"(invalid value for parameter "upstream": missing "=" after "host" in connection info string in file "x.conf" line 5)"});
}

TEST_CASE("what() of the error holds every message") {
    try {
        (void)load_config("x.conf", MemoryFiles("x.conf", "a = 1\nb = 2"));
        FAIL("loaded");
    } catch (const ConfigError& error) {
        CHECK(std::string(error.what()) == error.messages[0] + "\n" + error.messages[1]);
    }
}
