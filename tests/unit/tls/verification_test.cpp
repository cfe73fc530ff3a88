// The client's role: what each of libpq's modes accepts from a server.
#include "tests/support/catch.h"
#include "tests/unit/tls/openssl_peer.h"

#include <fstream>

using namespace pgmoat;
using tls::Failure;
using tls::Verify;

namespace {

void issue_servers(const test::CertificateFolder& certificates) {
    tls::CertificateRequest other = certificates.server_request("db.example.com");
    other.issuer_certificate_file = certificates.certificate("other-root");
    other.issuer_key_file = certificates.key("other-root");
    certificates.issue("other", other);
    tls::CertificateRequest expired = certificates.server_request("db.example.com");
    expired.starts_in_days = -10;
    expired.days = 5;
    certificates.issue("expired", expired);
    tls::CertificateRequest early = certificates.server_request("db.example.com");
    early.starts_in_days = 5;
    certificates.issue("early", early);
    certificates.issue("wildcard", certificates.server_request("*.example.com"));
    certificates.issue("ip6", certificates.server_request("db", {"::1"}));
    tls::CertificateRequest self_signed = certificates.server_request("db.example.com");
    self_signed.issuer_certificate_file.clear();
    certificates.issue("self-signed", self_signed);
    certificates.issue("nul",
                       certificates.server_request(std::string("db.example.com\0.evil.org", 24)));
}

struct Outcome {
    Failure failure;
    std::string error;
};

Outcome outcome(const test::CertificateFolder& certificates,
                const std::string& server,
                const tls::ClientSettings& client,
                const std::string& host) {
    test::TlsPair pair(certificates.server_settings(server), client, host);
    const bool agreed = pair.shake_hands();
    CHECK(test::error_queue_is_empty());
    const tls::Session& session = pair.client.session;
    CHECK(agreed == (session.failure() == Failure::none));
    CHECK(agreed == session.error().empty());
    return {session.failure(), session.error()};
}

} // namespace

TEST_CASE("what require, verify-ca and verify-full accept") {
    const test::CertificateFolder certificates;
    issue_servers(certificates);
    struct Case {
        const char* server;
        const char* host;
        Failure require;
        Failure verify_ca;
        Failure verify_full;
    };
    constexpr Failure good = Failure::none;
    const Case cases[] = {
        {"server", "db.example.com", good, good, good},
        {"server", "127.0.0.1", good, good, good},
        {"server", "web.example.com", good, good, Failure::certificate_name},
        {"server", "127.0.0.2", good, good, Failure::certificate_name},
        {"server", "", good, good, Failure::certificate_name},
        {"wildcard", "db.example.com", good, good, good},
        {"wildcard", "a.db.example.com", good, good, Failure::certificate_name},
        {"ip6", "::1", good, good, good},
        {"nul", "db.example.com", good, good, Failure::certificate_name},
        {"other",
         "db.example.com",
         good,
         Failure::certificate_untrusted,
         Failure::certificate_untrusted},
        {"self-signed",
         "db.example.com",
         good,
         Failure::certificate_untrusted,
         Failure::certificate_untrusted},
        {"expired",
         "db.example.com",
         good,
         Failure::certificate_expired,
         Failure::certificate_expired},
        {"early",
         "db.example.com",
         good,
         Failure::certificate_expired,
         Failure::certificate_expired},
        {"client",
         "alice",
         good,
         Failure::certificate_other,
         Failure::certificate_other}, // no serverAuth
    };
    for (const Case& each : cases) {
        INFO(each.server << " as " << each.host);
        const auto client_with = [&](Verify verify) {
            return certificates.verifying_client_settings(verify);
        };
        CHECK(
            outcome(certificates, each.server, certificates.client_settings(), each.host).failure ==
            each.require);
        CHECK(outcome(certificates, each.server, client_with(Verify::chain), each.host).failure ==
              each.verify_ca);
        CHECK(outcome(certificates, each.server, client_with(Verify::chain_and_name), each.host)
                  .failure == each.verify_full);
    }
}

TEST_CASE("a wrong host has libpq's error, and the server gets a close_notify") {
    const test::CertificateFolder certificates;
    test::TlsPair pair(certificates.server_settings(),
                       certificates.verifying_client_settings(Verify::chain_and_name),
                       "web.example.com");
    CHECK_FALSE(pair.shake_hands());
    CHECK(pair.client.session.error() ==
          "server certificate for \"db.example.com\" (and 1 other name) does not match host name "
          "\"web.example.com\"");
    CHECK(pair.server.receive().empty());
    CHECK(pair.server.last_read == tls::Status::closed);
}

TEST_CASE("a refused server certificate is described") {
    const test::CertificateFolder certificates;
    issue_servers(certificates);
    const std::string error = outcome(certificates,
                                      "other",
                                      certificates.verifying_client_settings(Verify::chain),
                                      "db.example.com")
                                  .error;
    CHECK(
        error.starts_with("certificate verify failed\n"
                          "Server certificate verification failed at depth 0: unable to get "
                          "local issuer certificate.\n"
                          "Failed certificate data (unverified): subject \"/CN=db.example.com\""));
}

TEST_CASE("a self-signed server certificate is trusted by clients that have it as root") {
    const test::CertificateFolder certificates;
    issue_servers(certificates);
    tls::ClientSettings client = certificates.client_settings();
    client.verify = Verify::chain_and_name;
    client.root_certificate_file = certificates.certificate("self-signed");

    CHECK(outcome(certificates, "self-signed", client, "db.example.com").failure == Failure::none);
}

TEST_CASE("require with a root file that exists verifies as verify-ca does") {
    const test::CertificateFolder certificates;
    issue_servers(certificates);
    tls::ClientSettings client = certificates.client_settings();
    client.root_certificate_file = certificates.certificate("root");
    CHECK(tls::ClientContext::load(client)->verify() == Verify::chain);
    CHECK(outcome(certificates, "other", client, "x").failure == Failure::certificate_untrusted);

    client.root_certificate_file = certificates.file("nowhere");
    CHECK(tls::ClientContext::load(client)->verify() == Verify::nothing);
    CHECK(outcome(certificates, "other", client, "x").failure == Failure::none);
}

TEST_CASE("an intermediate authority in the server's file is sent along") {
    const test::CertificateFolder certificates;
    tls::CertificateRequest intermediate = certificates.server_request("Intermediate");
    intermediate.kind = tls::CertificateKind::authority;
    certificates.issue("intermediate", intermediate);
    tls::CertificateRequest leaf = certificates.server_request("db.example.com");
    leaf.issuer_certificate_file = certificates.certificate("intermediate");
    leaf.issuer_key_file = certificates.key("intermediate");
    certificates.issue("leaf", leaf);
    const tls::ClientSettings client =
        certificates.verifying_client_settings(Verify::chain_and_name);
    CHECK(outcome(certificates, "leaf", client, "db.example.com").failure ==
          Failure::certificate_untrusted);

    std::ofstream(certificates.certificate("leaf"), std::ios::app)
        << std::ifstream(certificates.certificate("intermediate")).rdbuf();
    CHECK(outcome(certificates, "leaf", client, "db.example.com").failure == Failure::none);
}

TEST_CASE("a revoked server certificate is refused") {
    const test::CertificateFolder certificates;
    certificates.issue("revoked", certificates.server_request("db.example.com"));
    test::write_revocation_list(certificates, certificates.file("root.crl"), {"revoked"});
    tls::ClientSettings client = certificates.verifying_client_settings(Verify::chain_and_name);
    client.crl_file = certificates.file("root.crl");

    CHECK(outcome(certificates, "revoked", client, "db.example.com").failure ==
          Failure::certificate_revoked);
    CHECK(outcome(certificates, "server", client, "db.example.com").failure == Failure::none);
}

TEST_CASE("sslrootcert=system verifies chain and name with the system's roots") {
    const test::CertificateFolder certificates;
    tls::ClientSettings client = certificates.client_settings();
    client.root_certificate_file = "system";
    CHECK(tls::ClientContext::load(client)->verify() == Verify::chain_and_name);

    // OpenSSL takes the system's roots from this environment variable.
    setenv("SSL_CERT_FILE", certificates.certificate("root").c_str(), 1);
    CHECK(outcome(certificates, "server", client, "db.example.com").failure == Failure::none);
    CHECK(outcome(certificates, "server", client, "web.example.com").failure ==
          Failure::certificate_name);
    unsetenv("SSL_CERT_FILE");
    CHECK(outcome(certificates, "server", client, "db.example.com").failure ==
          Failure::certificate_untrusted);
}
