// What a reload may change and what keeps its old value.
#include "proxy/config/reload.h"
#include "proxy/config/settings.h"
#include "tests/support/catch.h"
#include "tests/unit/config/memory_files.h"

using namespace pgmoat::config;

namespace {

Config load(const std::string& text) {
    const std::string upstreams =
        "listen_addresses = 'localhost'\nupstream = 'host=db'\nupstream.b = 'host=b'\n";
    return load_config("x.conf", MemoryFiles("x.conf", upstreams + text));
}

using Names = std::vector<std::string>;

} // namespace

TEST_CASE("a reload of the same file changes nothing") {
    CHECK(restart_only_changes(load("port = 7"), load("port = 7")).empty());
}

TEST_CASE("each setting that needs a restart is named when it changes") {
    const auto row = GENERATE(table<std::string, std::string>({
        {"listen_addresses = '*'", "listen_addresses"},
        {"port = 7", "port"},
        {"unix_socket_directories = '/run'", "unix_socket_directories"},
        {"tls_mode = passthrough", "tls_mode"},
        {"user = nobody", "user"},
        {"http_listen = '127.0.0.1:1'", "http_listen"},
        {"hosts_file = 'other.conf'", "hosts_file"},
        {"address_table_size = 2000", "address_table_size"},
        {"control_threads = 2", "control_threads"},
        {"relay_threads = 3", "relay_threads"},
        {"relay_spin = 100us", "relay_spin"},
        {"listener.a = 'address=1.2.3.4'", "listener.a"},
    }));
    INFO(std::get<0>(row));
    CHECK(restart_only_changes(load(""), load(std::get<0>(row))) == Names{std::get<1>(row)});
    CHECK(restart_only_changes(load(std::get<0>(row)), load("")) == Names{std::get<1>(row)});
}

TEST_CASE("a named listener counts as changed by any of its options") {
    const Config old = load("listener.a = 'address=1.2.3.4 port=1'");
    const auto text = GENERATE(as<std::string>{},
                               "address=1.2.3.5 port=1",
                               "address=1.2.3.4 port=2",
                               "address=1.2.3.4 port=1 unix_socket_directory=/run",
                               "address=1.2.3.4 port=1 tls_mode=passthrough",
                               "address=1.2.3.4 port=1 upstream=b");
    CHECK(restart_only_changes(old, load("listener.a = '" + text + "'")) == Names{"listener.a"});
}

TEST_CASE("certificates, upstreams, limits and the log change without a restart") {
    const auto line = GENERATE(as<std::string>{},
                               "ssl = on",
                               "ssl_cert_file = 'other.crt'",
                               "upstream = 'host=other'",
                               "max_connections = 5",
                               "max_connections_per_address = 5",
                               "login_rate_per_address = '1/s'",
                               "address_limits_exempt = '10.0.0.0/8'",
                               "authentication_timeout = 5",
                               "log_min_messages = debug1",
                               "log_format = json");
    CHECK(restart_only_changes(load(""), load(line)).empty());
}

TEST_CASE("keeping what needs a restart leaves the rest of the new configuration") {
    const Config old = load("port = 7\nuser = nobody");
    Config now = load("port = 8\nmax_connections = 5\nrelay_threads = 9\nhttp_listen = 'h:1'");
    keep_restart_only(old, now);
    CHECK(restart_only_changes(old, now).empty());
    CHECK(now.max_connections == 5);
}

TEST_CASE("the rules of listeners that stay change without a restart") {
    const Config old = load("hba_file = 'old'\nlistener.a = 'address=1.2.3.4 hba_file=old_a'");
    Config now = load("hba_file = 'new'\nlistener.a = 'address=1.2.3.4 hba_dry_run_file=next'");
    CHECK(restart_only_changes(old, now).empty());
    keep_restart_only(old, now);
    CHECK(find_listener(now, "default")->hba_file == "new");
    CHECK(find_listener(now, "a")->hba_file == "new");
    CHECK(find_listener(now, "a")->hba_dry_run_file == "next");
}

TEST_CASE("an upstream cannot go while a listener that stays needs it") {
    const Config old = load("listener.a = 'address=1.2.3.4 upstream=b'");
    const auto refusal = [&old](Config now) {
        try {
            keep_restart_only(old, now);
        } catch (const ConfigError& error) {
            return error.messages;
        }
        return Names{"kept"};
    };
    Config without = load("");
    without.upstreams.erase("b");
    CHECK(refusal(without) == Names{"upstream \"b\" of listener \"a\" cannot be removed without "
                                    "restarting the server"});
    Config with_template = load("");
    with_template.upstreams["b"] = parse_conninfo("host=\1.svc");
    CHECK(refusal(with_template) ==
          Names{"upstream \"b\" of listener \"a\" cannot become a template without restarting the "
                "server"});
}
