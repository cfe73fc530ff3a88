// The hello readers with recordings of OpenSSL and libpq: tests/support/captures/README.md.
#include "tests/support/captures.h"
#include "tests/support/tls_hello_checks.h"

#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::tests {
namespace {

using protocol::cipher_suite_name;
using protocol::group_name;
using protocol::tls_version_name;

TEST_CASE("what OpenSSL's server negotiated is read from its stream") {
    struct Case {
        std::string name;
        std::string_view version;
        std::string_view cipher_suite;
        std::string_view group; // "other": none seen
        std::string_view alpn;
        bool hello_retry = false;
    };
    for (const Case& expected : {
             Case{"tls13", "TLSv1.3", "TLS_AES_256_GCM_SHA384", "X25519", ""},
             Case{"tls13_retry", "TLSv1.3", "TLS_AES_256_GCM_SHA384", "secp384r1", "", true},
             Case{"tls12_ecdhe_rsa",
                  "TLSv1.2",
                  "ECDHE-RSA-AES256-GCM-SHA384",
                  "X25519",
                  "postgresql"},
             Case{"tls12_ecdhe_ecdsa",
                  "TLSv1.2",
                  "ECDHE-ECDSA-AES256-GCM-SHA384",
                  "prime256v1",
                  "postgresql"},
             Case{"tls12_rsa", "TLSv1.2", "AES256-GCM-SHA384", "other", "postgresql"},
             Case{"tls12_dhe", "TLSv1.2", "DHE-RSA-AES128-GCM-SHA256", "other", "postgresql"},
             Case{"tls12_resumed", "TLSv1.2", "ECDHE-RSA-AES256-GCM-SHA384", "other", "postgresql"},
         }) {
        CAPTURE(expected.name);
        const ServerHelloRun run = server_hello_every_way(capture(expected.name + ".server"));
        CHECK(run.progress == HelloProgress::done);
        CHECK_FALSE(run.alert);
        CHECK(tls_version_name(run.facts.version) == expected.version);
        CHECK(cipher_suite_name(run.facts.cipher_suite) == expected.cipher_suite);
        CHECK(group_name(run.facts.group) == expected.group);
        CHECK(run.facts.alpn == expected.alpn);
        CHECK(run.facts.hello_retry == expected.hello_retry);
    }
}

TEST_CASE("what OpenSSL's server refused is read from its alert") {
    const ServerHelloRun run = server_hello_every_way(capture("tls13_only.server"));
    CHECK(run.progress == HelloProgress::done);
    CHECK(run.facts.version == 0);
    CHECK(run.alert == 70); // protocol_version
}

TEST_CASE("what OpenSSL's and libpq's clients offered is read from their streams") {
    struct Case {
        std::string name;
        std::string server_name;
        std::vector<std::string> alpn;
        std::vector<std::uint16_t> versions;
        std::string_view first_suite;
        std::string_view first_group;
    };
    const std::vector<std::string> postgresql = {"postgresql"};
    for (const Case& expected : {
             Case{"tls13",
                  "db.example.com",
                  postgresql,
                  {0x0304},
                  "TLS_AES_256_GCM_SHA384",
                  "X25519"},
             Case{"tls13_retry",
                  "db.example.com",
                  postgresql,
                  {0x0304},
                  "TLS_AES_256_GCM_SHA384",
                  "X25519"},
             Case{"tls12_ecdhe_ecdsa",
                  "db.example.com",
                  postgresql,
                  {0x0303},
                  "ECDHE-ECDSA-AES256-GCM-SHA384",
                  "prime256v1"},
             Case{"no_sni",
                  "",
                  {},
                  {0x0304, 0x0303, 0x0302, 0x0301},
                  "TLS_AES_256_GCM_SHA384",
                  "X25519"},
             Case{"libpq", "localhost", {}, {0x0304, 0x0303}, "TLS_AES_256_GCM_SHA384", "X25519"},
         }) {
        CAPTURE(expected.name);
        const ClientHelloRun run = client_hello_every_way(capture(expected.name + ".client"));
        CHECK(run.progress == HelloProgress::done);
        CHECK(run.facts.server_name == expected.server_name);
        CHECK(run.facts.alpn == expected.alpn);
        CHECK(run.facts.versions == expected.versions);
        REQUIRE_FALSE(run.facts.cipher_suites.empty());
        CHECK(cipher_suite_name(run.facts.cipher_suites.front()) == expected.first_suite);
        REQUIRE_FALSE(run.facts.groups.empty());
        CHECK(group_name(run.facts.groups.front()) == expected.first_group);
    }
}

} // namespace
} // namespace pgmoat::tests
