// What two sides negotiate, and that settings which forbid something are obeyed.
#include "tests/support/catch.h"
#include "tests/unit/tls/openssl_peer.h"

using namespace pgmoat;
using tls::Failure;
using tls::Status;

namespace {

struct Offer {
    const char* lowest = "TLSv1.2";
    const char* highest = "TLSv1.3";
    const char* ciphers = "";
    const char* tls13_ciphers = "";
    const char* groups = "";
};

test::ForeignClientSettings client_that_offers(const Offer& offer) {
    test::ForeignClientSettings settings;
    settings.lowest_version = offer.lowest;
    settings.highest_version = offer.highest;
    settings.ciphers = offer.ciphers;
    settings.tls13_ciphers = offer.tls13_ciphers;
    settings.groups = offer.groups;
    return settings;
}

} // namespace

TEST_CASE("two sessions agree and exchange text both ways") {
    const test::CertificateFolder certificates;
    test::TlsPair pair(certificates.server_settings(), certificates.client_settings());

    REQUIRE(pair.shake_hands());
    REQUIRE(pair.client.send("question") == Status::ok);
    test::deliver(pair.client, pair.server);
    CHECK(pair.server.receive() == "question");
    REQUIRE(pair.server.send("answer") == Status::ok);
    test::deliver(pair.server, pair.client);
    CHECK(pair.client.receive() == "answer");
    CHECK(test::error_queue_is_empty());
}

TEST_CASE("a handshake one byte at a time ends as the whole one does") {
    const test::CertificateFolder certificates;
    for (const char* version : {"TLSv1.2", "TLSv1.3"}) {
        tls::ClientSettings client = certificates.client_settings();
        client.max_protocol_version = version;
        test::TlsPair pair(certificates.server_settings(), client);

        REQUIRE(pair.shake_hands_byte_by_byte());
        CHECK(pair.server.session.facts().version == version);
    }
}

TEST_CASE("the server obeys what ssl_min_protocol_version and its neighbours allow") {
    const test::CertificateFolder certificates;
    tls::ServerSettings server = certificates.server_settings();
    struct Case {
        const char* title;
        void (*set)(tls::ServerSettings&);
        Offer allowed;
        Offer forbidden;
        Failure failure;
        int alert; // the client's view
    };
    constexpr int handshake_failure = 40;
    constexpr int protocol_version = 70;
    const Case cases[] = {
        {"minimum version",
         [](auto& settings) { settings.min_protocol_version = "TLSv1.3"; },
         {.lowest = "TLSv1.3"},
         {.highest = "TLSv1.2"},
         Failure::protocol_version,
         protocol_version},
        {"maximum version",
         [](auto& settings) { settings.max_protocol_version = "TLSv1.2"; },
         {.highest = "TLSv1.2"},
         {.lowest = "TLSv1.3"},
         Failure::protocol_version,
         protocol_version},
        {"TLS 1.1 by default",
         [](auto&) {},
         {},
         {.lowest = "TLSv1", .highest = "TLSv1.1"},
         Failure::protocol_version,
         protocol_version},
        {"TLS 1.2 ciphers",
         [](auto& settings) { settings.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384"; },
         {.highest = "TLSv1.2", .ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384"},
         {.highest = "TLSv1.2", .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256"},
         Failure::no_shared_cipher,
         handshake_failure},
        {"TLS 1.3 cipher suites",
         [](auto& settings) { settings.tls13_ciphers = "TLS_CHACHA20_POLY1305_SHA256"; },
         {.lowest = "TLSv1.3", .tls13_ciphers = "TLS_CHACHA20_POLY1305_SHA256"},
         {.lowest = "TLSv1.3", .tls13_ciphers = "TLS_AES_256_GCM_SHA384"},
         Failure::no_shared_cipher,
         handshake_failure},
        {"groups of TLS 1.3",
         [](auto& settings) { settings.groups = "X25519"; },
         {.lowest = "TLSv1.3", .groups = "P-256:X25519"},
         {.lowest = "TLSv1.3", .groups = "P-256"},
         Failure::no_shared_group,
         handshake_failure},
        {"groups of TLS 1.2",
         [](auto& settings) { settings.groups = "X25519"; },
         {.highest = "TLSv1.2",
          .ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384",
          .groups = "X25519:P-256"},
         {.highest = "TLSv1.2", .ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384", .groups = "P-384"},
         Failure::no_shared_cipher,
         handshake_failure},
    };
    for (const Case& each : cases) {
        INFO(each.title);
        tls::ServerSettings settings = server;
        each.set(settings);
        const auto context = tls::ServerContext::load(settings);

        test::Endpoint welcoming(*context);
        test::ForeignClient allowed(client_that_offers(each.allowed));
        CHECK(allowed.shake_hands(welcoming));

        test::Endpoint refusing(*context);
        test::ForeignClient forbidden(client_that_offers(each.forbidden));
        CHECK_FALSE(forbidden.shake_hands(refusing));
        CHECK(refusing.session.failure() == each.failure);
        CHECK_FALSE(refusing.session.error().empty());
        CHECK(forbidden.received_alert() == each.alert);
        CHECK(test::error_queue_is_empty());
    }
}

TEST_CASE("the client obeys ssl_min_protocol_version and ssl_max_protocol_version") {
    const test::CertificateFolder certificates;
    tls::ServerSettings old_server = certificates.server_settings();
    old_server.max_protocol_version = "TLSv1.2";
    tls::ServerSettings new_server = certificates.server_settings();
    new_server.min_protocol_version = "TLSv1.3";

    tls::ClientSettings only_new = certificates.client_settings();
    only_new.min_protocol_version = "TLSv1.3";
    tls::ClientSettings only_old = certificates.client_settings();
    only_old.max_protocol_version = "TLSv1.2";

    CHECK(test::TlsPair(old_server, only_old).shake_hands());
    CHECK(test::TlsPair(new_server, only_new).shake_hands());
    for (const auto& [server, client] :
         {std::pair(old_server, only_new), std::pair(new_server, only_old)}) {
        test::TlsPair pair(server, client);
        CHECK_FALSE(pair.shake_hands());
        CHECK(pair.client.session.failure() == Failure::protocol_version);
        CHECK(pair.server.session.failure() == Failure::protocol_version);
        CHECK(test::error_queue_is_empty());
    }
}

TEST_CASE("the server's order of ciphers rules unless ssl_prefer_server_ciphers is off") {
    const test::CertificateFolder certificates;
    tls::ServerSettings settings = certificates.server_settings();
    settings.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-AES128-GCM-SHA256";
    const Offer reversed{.highest = "TLSv1.2",
                         .ciphers = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384"};
    const auto chosen = [&](bool prefer_server) {
        settings.prefer_server_ciphers = prefer_server;
        test::Endpoint server(*tls::ServerContext::load(settings));
        test::ForeignClient client(client_that_offers(reversed));
        REQUIRE(client.shake_hands(server));
        return server.session.facts().cipher;
    };

    CHECK(chosen(true) == "ECDHE-ECDSA-AES256-GCM-SHA384");
    CHECK(chosen(false) == "ECDHE-ECDSA-AES128-GCM-SHA256");
}

TEST_CASE("no client gets a ticket or a session to resume") {
    const test::CertificateFolder certificates;
    for (const char* version : {"TLSv1.2", "TLSv1.3"}) {
        INFO(version);
        test::Endpoint server(*tls::ServerContext::load(certificates.server_settings()));
        test::ForeignClient client(client_that_offers({.lowest = version, .highest = version}));
        REQUIRE(client.shake_hands(server));
        CHECK_FALSE(client.may_resume());
    }
}

TEST_CASE("plaintext in place of a handshake is distinguished from a broken handshake") {
    const test::CertificateFolder certificates;
    test::Endpoint server(*tls::ServerContext::load(certificates.server_settings()));
    for (const char c : std::string("\0\0\0\x08\x04\xD2\x16\x2F user alice", 20))
        server.arrived.push_back(static_cast<std::uint8_t>(c));

    CHECK(server.shake_hands() == Status::failed);
    CHECK(server.session.failure() == Failure::not_tls);
    CHECK_FALSE(server.session.error().empty());
    CHECK(test::error_queue_is_empty());
}

TEST_CASE("a peer that goes away during the handshake is an end of stream") {
    const test::CertificateFolder certificates;
    test::TlsPair pair(certificates.server_settings(), certificates.client_settings());
    pair.client.shake_hands();
    pair.client.unsent.resize(pair.client.unsent.size() / 2);
    test::deliver(pair.client, pair.server);
    REQUIRE(pair.server.shake_hands() == Status::want_read);

    pair.server.end_of_stream = true;
    CHECK(pair.server.shake_hands() == Status::failed);
    CHECK(pair.server.session.failure() == Failure::end_of_stream);
    CHECK(pair.server.session.error() == "EOF detected");
    CHECK(pair.server.shake_hands() == Status::failed);
    CHECK(test::error_queue_is_empty());
}

TEST_CASE("a session outlives the context that it was made from") {
    const test::CertificateFolder certificates;
    auto context = tls::ServerContext::load(certificates.server_settings());
    test::Endpoint server(*context);
    context.reset();
    test::ForeignClient client({});

    CHECK(client.shake_hands(server));
}

TEST_CASE("keys are not written to SSLKEYLOGFILE") {
    const test::CertificateFolder certificates;
    const std::string log = certificates.file("keys.log");
    setenv("SSLKEYLOGFILE", log.c_str(), 1);
    test::TlsPair pair(certificates.server_settings(), certificates.client_settings());
    const bool agreed = pair.shake_hands();
    unsetenv("SSLKEYLOGFILE");

    CHECK(agreed);
    CHECK_FALSE(std::filesystem::exists(log));
}
