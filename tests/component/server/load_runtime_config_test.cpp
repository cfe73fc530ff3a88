// What a change of only the hosts file may do to the configuration in use, and whose key files are
// accepted.
#include "proxy/server/load_runtime_config.h"
#include "proxy/server/process.h"
#include "tests/support/catch.h"
#include "tests/support/tls_pair.h"

#include <unistd.h>

using namespace pgmoat;

TEST_CASE("a hosts file that is empty for a moment is loaded by a reload, but not by the watch") {
    const test::CertificateFolder certificates;
    runtime::RuntimeConfig running;
    running.config.ssl = true;
    running.config.tls = certificates.server_settings();
    running.config.tls.hosts.resize(1);
    running.config.tls.hosts[0].names = {"a.example"};
    running.config.tls.hosts[0].pairs = {certificates.pair("server")};
    CHECK_NOTHROW((void)server::reload_tls(running, running.config));

    config::Config emptied = running.config;
    emptied.tls.hosts.clear();
    CHECK_THROWS_AS((void)server::reload_tls(running, emptied), config::ConfigError);
    CHECK_NOTHROW((void)server::load_runtime_config(emptied, &running));
}

TEST_CASE("a file of secrets that others may read is refused") {
    config::Config config;
    config.auth_file = "secrets";
    config.auth_file_access = config::FileText::Access{::geteuid(), 0644};
    CHECK_THROWS_AS((void)server::load_runtime_config(config), config::ConfigError);
    config.auth_file_access->mode = 0600;
    CHECK_NOTHROW((void)server::load_runtime_config(config));
}

TEST_CASE("root, who serves as another user, takes a file of secrets that is that user's") {
    if (::geteuid() != 0) return;
    config::Config config;
    config.user = "nobody";
    config.auth_file = "secrets";
    config.auth_file_access = config::FileText::Access{*server::user_to_become("nobody"), 0600};
    CHECK_NOTHROW((void)server::load_runtime_config(config));
    config.auth_file_access->owner += 1;
    CHECK_THROWS_AS((void)server::load_runtime_config(config), config::ConfigError);
}
