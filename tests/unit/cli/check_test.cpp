// What `pgmoat check` finds in files that load, and the table of sslmodes.
#include "proxy/cli/check.h"
#include "tests/support/catch.h"
#include "tests/support/tls_pair.h"
#include "tls/file_facts.h"

#include <algorithm>
#include <ctime>
#include <fstream>
#include <iterator>

using namespace pgmoat;
using Level = cli::Finding::Level;

namespace {

constexpr std::int64_t day = 24 * 60 * 60;

struct Checked {
    Checked() {
        config.ssl = true;
        config.tls = certificates.server_settings();
        config.listeners.resize(1);
        config.listeners[0].name = "default";
    }

    // The level of the line with this text; it is a failure if there is none.
    Level level_of(const std::string& text) {
        const std::vector<cli::Finding> findings = cli::check_tls(config, now);
        const auto found = std::find_if(findings.begin(), findings.end(), [&](const auto& finding) {
            return finding.text.find(text) != std::string::npos;
        });
        INFO(text);
        REQUIRE(found != findings.end());
        return found->level;
    }
    bool is_silent_about(const std::string& text) {
        const std::vector<cli::Finding> findings = cli::check_tls(config, now);
        return std::none_of(findings.begin(), findings.end(), [&](const auto& finding) {
            return finding.text.find(text) != std::string::npos;
        });
    }
    void append(const std::string& from, const std::string& to) const {
        std::ifstream source(certificates.certificate(from));
        std::ofstream(certificates.certificate(to), std::ios::app)
            << std::string(std::istreambuf_iterator<char>(source), {});
    }

    test::CertificateFolder certificates;
    config::Config config;
    std::int64_t now = std::time(nullptr) + 60;
};

} // namespace

TEST_CASE("a good pair is good in every respect") {
    Checked checked;
    for (const cli::Finding& finding : cli::check_tls(checked.config, checked.now)) {
        INFO(finding.text);
        CHECK(finding.level == Level::ok);
    }
    CHECK(checked.level_of("has mode 0600 and fits certificate") == Level::ok);
    CHECK(checked.level_of("is valid for db.example.com, 127.0.0.1") == Level::ok);
    CHECK(checked.level_of("issued by /CN=Test authority root") == Level::ok);
}

TEST_CASE("with ssl off there is nothing to check") {
    Checked checked;
    checked.config.ssl = false;
    CHECK(cli::check_tls(checked.config, checked.now).empty());
}

TEST_CASE("the end of a certificate is announced, and is an error when it is there") {
    Checked checked; // valid for 365 days
    checked.now += 300 * day;
    CHECK(checked.level_of("is valid until") == Level::ok);
    checked.now += 55 * day;
    CHECK(checked.level_of("expires soon") == Level::warning);
    checked.now += 30 * day;
    CHECK(checked.level_of("has expired") == Level::error);
    checked.now = 0;
    CHECK(checked.level_of("is not yet valid") == Level::error);
}

TEST_CASE(
    "the end of an authority of client certificates is announced, and a warning when it is there") {
    Checked checked;
    checked.config.tls.ca_file = checked.certificates.certificate("root");
    checked.config.tls.pairs.clear(); // which would expire first
    checked.config.tls.hosts.clear();
    const std::string name = "authority \"Test authority root\"";
    CHECK(checked.level_of(name) == Level::ok);
    const std::int64_t end =
        tls::read_certificate_file(checked.config.tls.ca_file, tls::WhichCertificate::leaf)
            ->not_after;
    checked.now = end - day;
    CHECK(checked.level_of(name) == Level::warning);
    CHECK(checked.level_of("expires soon") == Level::warning);
    checked.now = end;
    CHECK(checked.level_of("client certificates that it has issued are refused") == Level::warning);
}

TEST_CASE("a chain is wanted leaf first, each certificate issued by the next") {
    Checked checked;
    checked.append("root", "server");
    CHECK(checked.level_of("chain of 2, leaf first, up to its root") == Level::ok);
    checked.append("other-root", "server");
    CHECK(checked.level_of("certificate 2 (/CN=Test authority root) is not issued by the "
                           "next one (/CN=Test authority other-root)") == Level::warning);
}

TEST_CASE("old versions and ciphers without a secret are weak") {
    Checked checked;
    CHECK(checked.is_silent_about("ssl_ciphers"));
    checked.config.tls.min_protocol_version = "TLSv1.1";
    CHECK(checked.level_of("ssl_min_protocol_version = TLSv1.1") == Level::warning);
    checked.config.tls.ciphers = "aNULL:eNULL:@SECLEVEL=0";
    CHECK(checked.level_of("ssl_ciphers allows ciphers without") == Level::warning);
}

TEST_CASE("with hosts their certificates are checked, each once") {
    Checked checked;
    checked.config.tls.pairs = {{"missing.crt", "missing.key"}};
    tls::HostSettings host;
    host.names = {"a.example"};
    host.pairs = {checked.certificates.pair("server")};
    checked.config.tls.hosts = {host, host};
    CHECK(cli::check_tls(checked.config, checked.now).size() ==
          5); // four for the pair, one for all CAs
}

TEST_CASE("a certificate that no client can verify is an error") {
    Checked checked;
    checked.certificates.issue("client-server", checked.certificates.client_request("db"));
    checked.config.tls = checked.certificates.server_settings("client-server");
    CHECK(checked.level_of("its key usage is not that of a server") == Level::error);
}

TEST_CASE("a leaf among the authorities is worth a warning") {
    Checked checked;
    checked.config.tls.ca_file = checked.certificates.certificate("server");
    CHECK(checked.level_of("which is not a CA certificate") == Level::warning);
    checked.config.tls.ca_file = checked.certificates.certificate("root");
    CHECK(checked.is_silent_about("is not a CA certificate"));
}
