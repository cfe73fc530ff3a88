// PostgreSQL 17 and later: a client without ALPN is accepted here (direct TLS requires ALPN, which
// is checked elsewhere); one that offers only other protocols is refused, so that no browser can be
// tricked into talking to a database.
#include "tests/support/catch.h"
#include "tests/unit/tls/openssl_peer.h"

using namespace pgmoat;

TEST_CASE("the server chooses postgresql, wherever it is in the client's list") {
    const test::CertificateFolder certificates;
    const std::vector<std::vector<std::string>> lists = {
        {"postgresql"}, {"h2", "postgresql"}, {"postgresql", "http/1.1"}};
    for (const auto& list : lists) {
        test::Endpoint server(*tls::ServerContext::load(certificates.server_settings()));
        test::ForeignClientSettings settings;
        settings.alpn = list;
        test::ForeignClient client(settings);

        REQUIRE(client.shake_hands(server));
        CHECK(client.alpn() == "postgresql");
        CHECK(server.session.facts().alpn == "postgresql");
    }
}

TEST_CASE("a client whose list lacks postgresql gets the alert no_application_protocol") {
    const test::CertificateFolder certificates;
    const std::vector<std::vector<std::string>> lists = {
        {"h2"}, {"http/1.1", "h2"}, {"postgres"}, {"postgresql2"}, {"POSTGRESQL"}};
    for (const auto& list : lists) {
        INFO(list.front());
        test::Endpoint server(*tls::ServerContext::load(certificates.server_settings()));
        test::ForeignClientSettings settings;
        settings.alpn = list;
        test::ForeignClient client(settings);

        CHECK_FALSE(client.shake_hands(server));
        CHECK(server.session.failure() == tls::Failure::no_alpn);
        CHECK(client.received_alert() == 120);
        CHECK(test::error_queue_is_empty());
    }
}

TEST_CASE("a client without ALPN is served, and its facts say so") {
    const test::CertificateFolder certificates;
    test::Endpoint server(*tls::ServerContext::load(certificates.server_settings()));
    test::ForeignClient client({});

    REQUIRE(client.shake_hands(server));
    CHECK(server.session.facts().alpn.empty());
}

TEST_CASE("our client always offers postgresql") {
    const test::CertificateFolder certificates;
    test::TlsPair pair(certificates.server_settings(), certificates.client_settings());

    REQUIRE(pair.shake_hands());
    CHECK(pair.client.session.facts().alpn == "postgresql");
}
