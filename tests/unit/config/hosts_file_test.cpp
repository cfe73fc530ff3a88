// pg_hosts.conf: what a line means, and PostgreSQL's errors.
#include "proxy/config/config.h"
#include "proxy/config/hosts_file.h"
#include "tests/support/catch.h"
#include "tests/unit/config/memory_files.h"

using namespace pgmoat;
using namespace pgmoat::config;

namespace {

using Strings = std::vector<std::string>;

HostsFile read(const std::string& text, Problems& problems) {
    return read_hosts_file("h", MemoryFiles("h", text), problems);
}

HostsFile read(const std::string& text) {
    Problems problems;
    HostsFile file = read(text, problems);
    CHECK(problems.errors == Strings{});
    return file;
}

Strings errors_of(const std::string& text) {
    Problems problems;
    (void)read(text, problems);
    return problems.errors;
}

Config load(const std::string& settings, const std::string& hosts) {
    const std::string upstream = "upstream = 'host=/run'\nssl = on\n";
    return load_config(
        "etc/x.conf",
        MemoryFiles({{"etc/x.conf", upstream + settings}, {"etc/pg_hosts.conf", hosts}}));
}

} // namespace

TEST_CASE("a line names hosts, certificate, key, CA and passphrase command") {
    const HostsFile file = read("# comment\n"
                                "a.example,B.Example a.crt a.key ca.crt \"echo 'x y'\" on\n"
                                "* d.crt d.key\n"
                                "/no_sni/ \\\n n.crt n.key\n");
    REQUIRE(file.hosts.size() == 3);
    CHECK(file.hosts[0].names == Strings{"a.example", "b.example"});
    CHECK(file.hosts[0].pairs == std::vector<tls::KeyPair>{{"a.crt", "a.key"}});
    CHECK(file.hosts[0].ca_file == "ca.crt");
    CHECK(file.hosts[0].passphrase_command == "echo 'x y'");
    CHECK(file.hosts[0].passphrase_command_supports_reload);
    CHECK(file.hosts[1].names == Strings{"*"});
    CHECK(file.hosts[1].ca_file.empty());
    CHECK_FALSE(file.hosts[1].passphrase_command_supports_reload);
    CHECK(file.hosts[2].names == Strings{"/no_sni/"});
}

TEST_CASE("a file that is empty or missing names no hosts") {
    CHECK(read("# nothing\n\n").hosts.empty());
    Problems problems;
    CHECK(read_hosts_file("nowhere", MemoryFiles("h", ""), problems).hosts.empty());
    CHECK(problems.errors.empty());
}

TEST_CASE("host names may be in a file of their own, lines in an included one") {
    Problems problems;
    const MemoryFiles files({{"d/h", "@names a.crt a.key\ninclude more\n"},
                             {"d/names", "a.example\nb.example\n"},
                             {"d/more", "c.example c.crt c.key\n"}});
    const HostsFile file = read_hosts_file("d/h", files, problems);
    CHECK(problems.errors == Strings{});
    REQUIRE(file.hosts.size() == 2);
    CHECK(file.hosts[0].names == Strings{"a.example", "b.example"});
    CHECK(file.hosts[1].names == Strings{"c.example"});
    CHECK(file.files == Strings{"d/h", "d/more"});
}

TEST_CASE("errors in a line have PostgreSQL's texts") {
    const auto row = GENERATE(table<std::string, std::string>({
        {"a,* c k", "default and non-SNI entries cannot be mixed with other entries"},
        {"/no_sni/,a c k", "default and non-SNI entries cannot be mixed with other entries"},
        {"a", "missing entry at end of line"},
        {"a c", "missing entry at end of line"},
        {"a c,d k", "multiple values specified for SSL certificate"},
        {"a c k,l", "multiple values specified for SSL key"},
        {"a c k r,s", "multiple values specified for SSL CA"},
        {"a c k r p,q", "multiple values specified for SSL passphrase command"},
        {"a c k r p maybe", "incorrect syntax for boolean value SSL_passphrase_cmd_reload"},
        {"a c k r p on,off", "incorrect syntax for boolean value SSL_passphrase_cmd_reload"},
        {"a c k r p on more", "extra fields at end of line"},
    }));
    INFO(std::get<0>(row));
    CHECK(errors_of("\n" + std::get<0>(row) + "\n") ==
          Strings{std::get<1>(row) + " in file \"h\" line 2",
                  "could not load \"pg_hosts.conf\": loading config from \"h\" failed due to "
                  "parsing error"});
}

TEST_CASE("each host is named once, in whatever letter case and line") {
    const auto row = GENERATE(table<std::string, std::string>({
        {"* c k\n* d l", "multiple default hosts specified"},
        {"/no_sni/ c k\n/no_sni/ d l", "multiple no_sni hosts specified"},
        {"a.example c k\nb,A.EXAMPLE d l", "multiple entries for host \"a.example\" specified"},
    }));
    INFO(std::get<0>(row));
    const Strings errors = errors_of(std::get<0>(row));
    REQUIRE(errors.size() == 2);
    CHECK(errors[0] == std::get<1>(row) + " in file \"h\" line 2");
}

TEST_CASE("there is an end to host names") {
    std::string text;
    for (int i = 0; i <= 10'000; ++i)
        text += "h" + std::to_string(i) + " c k\n";
    CHECK(errors_of(text).at(0) == "there are more than 10000 host names in file \"h\" line 10001");
}

TEST_CASE("the file is read with ssl and ssl_sni on, and its paths are relative to the main file") {
    const Config config = load("ssl_sni = on", "a a.crt /abs/a.key ca.crt\n");
    REQUIRE(config.tls.hosts.size() == 1);
    CHECK(config.tls.hosts[0].pairs == std::vector<tls::KeyPair>{{"etc/a.crt", "/abs/a.key"}});
    CHECK(config.tls.hosts[0].ca_file == "etc/ca.crt");
    CHECK(config.hosts_files == Strings{"etc/pg_hosts.conf"});
    CHECK(load("ssl_sni = off", "nonsense").tls.hosts.empty());
}

TEST_CASE("whether a client is asked for a certificate is a matter of the host that it asks for") {
    tls::ServerSettings settings;
    CHECK_FALSE(asks_for_certificate(settings, "a"));
    settings.ca_file = "ca.crt";
    CHECK(asks_for_certificate(settings, "a"));
    settings.hosts = read("a a.crt a.key ca.crt\nb b.crt b.key\n* d.crt d.key ca.crt\n").hosts;
    CHECK(asks_for_certificate(settings, "a"));
    CHECK_FALSE(asks_for_certificate(settings, "b"));
    CHECK(asks_for_certificate(settings, "c"));
    CHECK_FALSE(asks_for_certificate(settings, "B"));
    CHECK(asks_for_certificate(settings, ""));
    settings.hosts = read("a a.crt a.key ca.crt\n/no_sni/ d.crt d.key\n").hosts;
    CHECK_FALSE(asks_for_certificate(settings, ""));
    settings.hosts = read("* a.crt a.key ca.crt\n/no_sni/ d.crt d.key\n").hosts;
    CHECK(asks_for_certificate(settings, "/no_sni/"));
    CHECK(asks_for_certificate(settings, "*"));
}

TEST_CASE("with hosts ssl_cert_file is not needed") {
    CHECK_NOTHROW(load("ssl_sni = on\nssl_cert_file = ''", "a a.crt a.key\n"));
    CHECK_THROWS_AS(load("ssl_sni = on\nssl_cert_file = ''", ""), ConfigError);
}

TEST_CASE("a bad hosts file is an error of the configuration") {
    CHECK_THROWS_AS(load("ssl_sni = on", "nonsense"), ConfigError);
    Config config = load("ssl_sni = on", "a a.crt a.key\n");
    CHECK_THROWS_AS(reread_hosts(config, MemoryFiles("etc/pg_hosts.conf", "nonsense")),
                    ConfigError);
    reread_hosts(config, MemoryFiles("etc/pg_hosts.conf", "b b.crt b.key\nc c.crt c.key\n"));
    CHECK(config.tls.hosts.size() == 2);
}
