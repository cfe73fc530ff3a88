// What a change of the hosts file alone may do to the setup in force.
#include "proxy/server/load_runtime_config.h"
#include "tests/support/catch.h"
#include "tests/support/tls_pair.h"

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
