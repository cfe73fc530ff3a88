// The facts in PostgreSQL's spellings: pg_stat_ssl's columns and what pg_hba.conf compares.
#include "tests/support/catch.h"
#include "tests/unit/tls/openssl_peer.h"

using namespace pgmoat;

namespace {

tls::ServerSettings asking_server(const test::CertificateFolder& certificates) {
    tls::ServerSettings settings = certificates.server_settings();
    settings.ca_file = certificates.certificate("root");
    return settings;
}

// What the server sees of a client with that certificate.
tls::CertificateFacts seen_by_server(const test::CertificateFolder& certificates,
                                     const std::string& name) {
    test::TlsPair pair(asking_server(certificates),
                       certificates.client_settings_with_certificate(name));
    REQUIRE(pair.shake_hands());
    const tls::PeerFacts facts = pair.server.session.facts();
    REQUIRE(facts.certificate);
    return *facts.certificate;
}

} // namespace

TEST_CASE("version, cipher, bits and group are named as PostgreSQL names them") {
    const test::CertificateFolder certificates;
    struct Case {
        const char* version;
        const char* ciphers;
        const char* tls13_ciphers;
        const char* groups;
        const char* cipher;
        int bits;
        const char* group;
    };
    const Case cases[] = {
        {"TLSv1.3",
         "",
         "TLS_AES_256_GCM_SHA384",
         "X25519",
         "TLS_AES_256_GCM_SHA384",
         256,
         "X25519"},
        {"TLSv1.3",
         "",
         "TLS_AES_128_GCM_SHA256",
         "P-256",
         "TLS_AES_128_GCM_SHA256",
         128,
         "prime256v1"},
        {"TLSv1.3",
         "",
         "TLS_CHACHA20_POLY1305_SHA256",
         "P-256",
         "TLS_CHACHA20_POLY1305_SHA256",
         256,
         "prime256v1"},
        {"TLSv1.2",
         "ECDHE-ECDSA-AES256-GCM-SHA384",
         "",
         "X25519:P-256",
         "ECDHE-ECDSA-AES256-GCM-SHA384",
         256,
         "X25519"},
        {"TLSv1.2",
         "ECDHE-ECDSA-AES128-SHA",
         "",
         "P-256",
         "ECDHE-ECDSA-AES128-SHA",
         128,
         "prime256v1"},
    };
    for (const Case& each : cases) {
        INFO(each.cipher);
        test::Endpoint server(*tls::ServerContext::load(certificates.server_settings()));
        test::ForeignClientSettings settings;
        settings.lowest_version = settings.highest_version = each.version;
        settings.ciphers = each.ciphers;
        settings.tls13_ciphers = each.tls13_ciphers;
        settings.groups = each.groups;
        test::ForeignClient client(settings);
        REQUIRE(client.shake_hands(server));

        const tls::PeerFacts facts = server.session.facts();
        CHECK(facts.version == each.version);
        CHECK(facts.cipher == each.cipher);
        CHECK(facts.cipher_bits == each.bits);
        CHECK(facts.group == each.group);
        CHECK_FALSE(facts.certificate);
    }
}

TEST_CASE("without an elliptic curve there is no group") {
    const test::CertificateFolder certificates;
    tls::CertificateRequest rsa = certificates.server_request("db.example.com");
    rsa.key_type = tls::KeyType::rsa_2048;
    certificates.issue("rsa", rsa);
    test::Endpoint server(*tls::ServerContext::load(certificates.server_settings("rsa")));
    test::ForeignClientSettings settings;
    settings.highest_version = "TLSv1.2";
    settings.ciphers = "AES256-GCM-SHA384"; // RSA key exchange
    test::ForeignClient client(settings);

    REQUIRE(client.shake_hands(server));
    CHECK(server.session.facts().group.empty());
}

TEST_CASE("the server knows the name that the client asked for") {
    const test::CertificateFolder certificates;
    for (const char* version : {"TLSv1.2", "TLSv1.3"}) {
        test::Endpoint server(*tls::ServerContext::load(certificates.server_settings()));
        test::ForeignClientSettings settings;
        settings.lowest_version = settings.highest_version = version;
        settings.server_name = "sales.example.com";
        test::ForeignClient client(settings);
        REQUIRE(client.shake_hands(server));
        CHECK(server.session.facts().server_name == "sales.example.com");
    }
}

TEST_CASE("our client asks for names, never for addresses, and not with sslsni=0") {
    const test::CertificateFolder certificates;
    struct Case {
        const char* host;
        bool send_server_name;
        const char* expected;
    };
    const Case cases[] = {
        {"db.example.com", true, "db.example.com"},
        {"db.example.com", false, ""},
        {"127.0.0.1", true, ""},
        {"10.1", true, ""},
        {"::1", true, ""},
        {"10.example", true, "10.example"},
        {"", true, ""},
    };
    for (const Case& each : cases) {
        INFO(each.host);
        tls::ClientSettings client = certificates.client_settings();
        client.send_server_name = each.send_server_name;
        test::TlsPair pair(certificates.server_settings(), client, each.host);
        REQUIRE(pair.shake_hands());
        CHECK(pair.server.session.facts().server_name == each.expected);
    }
}

TEST_CASE("a distinguished name has a slash form in order and a comma form in reverse") {
    const test::CertificateFolder certificates;
    struct Case {
        test::Subject subject;
        const char* slash;
        const char* comma;
        const char* common_name;
    };
    const Case cases[] = {
        {{{"CN", "alice"}}, "/CN=alice", "CN=alice", "alice"},
        {{{"O", "PG, Inc."}, {"OU", "A"}, {"CN", "alice"}},
         "/O=PG\\, Inc./OU=A/CN=alice",
         "CN=alice,OU=A,O=PG\\, Inc.",
         "alice"},
        {{{"O", "A"}, {"emailAddress", "a@b.c"}},
         "/O=A/emailAddress=a@b.c",
         "emailAddress=a@b.c,O=A",
         ""},
        {{{"CN", "J\xC3\xB6rg"}}, "/CN=J\xC3\xB6rg", "CN=J\\C3\\B6rg", "J\xC3\xB6rg"},
        {{{"CN", "first"}, {"CN", "second"}}, "/CN=first/CN=second", "CN=second,CN=first", "first"},
        {{{"1.2.3.4.5", "odd"}, {"CN", "x"}},
         "/1.2.3.4.5=odd/CN=x",
         "CN=x,1.2.3.4.5=#0C036F6464",
         "x"},
    };
    for (const Case& each : cases) {
        test::issue_with_subject(certificates, "subject", each.subject);
        const tls::CertificateFacts facts = seen_by_server(certificates, "subject");
        CHECK(facts.subject == each.slash);
        CHECK(facts.subject_rfc2253 == each.comma);
        CHECK(facts.common_name == each.common_name);
    }
}

TEST_CASE("a common name of the longest kind is kept whole") {
    const test::CertificateFolder certificates;
    const std::string longest(64, 'x');
    certificates.issue("long", certificates.client_request(longest));

    CHECK(seen_by_server(certificates, "long").common_name == longest);
}

TEST_CASE("the client's certificate shows its issuer, decimal serial number, end and digest") {
    const test::CertificateFolder certificates;
    const tls::CertificateFacts facts = seen_by_server(certificates, "client");

    CHECK(facts.issuer == "/CN=Test authority root");
    CHECK(facts.serial.find_first_not_of("0123456789") == std::string::npos);
    CHECK(facts.serial.size() > 20); // 128 random bits; 20 digits would be 64
    CHECK(facts.leaf_sha256.size() == 64);
    CHECK(facts.not_after > 1700000000);
    CHECK(test::error_queue_is_empty());
}

TEST_CASE(
    "the server's certificate shows its names, and the digest that the server knows as its own") {
    const test::CertificateFolder certificates;
    const auto context = tls::ServerContext::load(certificates.server_settings());
    test::TlsPair pair(certificates.server_settings(), certificates.client_settings());
    REQUIRE(pair.shake_hands());

    const auto facts = pair.client.session.facts().certificate;
    REQUIRE(facts);
    CHECK(facts->dns_names == std::vector<std::string>{"db.example.com"});
    CHECK(facts->leaf_sha256 == context->certificates().at(0).leaf_sha256);
    CHECK(facts->not_after == context->certificates().at(0).not_after);
}
