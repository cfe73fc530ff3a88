// Which certificate a client gets: one of several key types, and the one of the host that it asked
// for (ssl_sni of PostgreSQL 19), with the CA of that host.
#include "tests/support/catch.h"
#include "tests/unit/tls/openssl_peer.h"

using namespace pgmoat;
using tls::Failure;

namespace {

constexpr int handshake_failure = 40;
constexpr int illegal_parameter = 47;
constexpr int unrecognized_name = 112;

struct Folder {
    Folder() {
        issue("rsa", tls::KeyType::rsa_2048);
        issue("ecdsa", tls::KeyType::ecdsa_p256);
        issue("other", tls::KeyType::ecdsa_p256);
    }

    void issue(const std::string& name, tls::KeyType type) const {
        tls::CertificateRequest request = certificates.server_request(name);
        request.key_type = type;
        certificates.issue(name, request);
    }

    [[nodiscard]] tls::ServerSettings shows(const std::vector<std::string>& names) const {
        tls::ServerSettings settings;
        settings.pairs.clear();
        for (const std::string& name : names)
            settings.pairs.push_back(certificates.pair(name));
        return settings;
    }

    [[nodiscard]] tls::HostSettings host(std::vector<std::string> names,
                                         const std::string& certificate,
                                         const std::string& ca_file = "") const {
        tls::HostSettings host;
        host.names = std::move(names);
        host.pairs = {certificates.pair(certificate)};
        host.ca_file = ca_file;
        return host;
    }

    test::CertificateFolder certificates;
};

// A client's handshake with a server of these settings.
struct Meeting {
    Meeting(const tls::ServerContext& context, const test::ForeignClientSettings& settings)
        : server(context), client(settings), agreed(client.shake_hands(server)) {
        CHECK(test::error_queue_is_empty());
    }
    test::Endpoint server;
    test::ForeignClient client;
    bool agreed;
};

test::ForeignClientSettings asks_for(const std::string& server_name) {
    test::ForeignClientSettings settings;
    settings.server_name = server_name;
    return settings;
}

std::string shown_to(const tls::ServerContext& context,
                     const test::ForeignClientSettings& settings) {
    const Meeting meeting(context, settings);
    return meeting.agreed ? meeting.client.shown_common_name() : "nothing";
}

} // namespace

TEST_CASE("of an RSA and an ECDSA certificate a client gets the one that it supports") {
    const Folder folder;
    for (const auto& order :
         {std::vector<std::string>{"rsa", "ecdsa"}, std::vector<std::string>{"ecdsa", "rsa"}}) {
        const auto context = tls::ServerContext::load(folder.shows(order));
        for (const std::string type : {"RSA", "ECDSA"}) {
            test::ForeignClientSettings client;
            client.highest_version = "TLSv1.2";
            client.ciphers = "ECDHE-" + type + "-AES256-GCM-SHA384";
            CHECK(shown_to(*context, client) == (type == "RSA" ? "rsa" : "ecdsa"));
        }
        CHECK(context->certificates().size() == 2);
    }
}

TEST_CASE("with an RSA certificate alone a client that wants ECDSA is refused") {
    const Folder folder;
    const auto context = tls::ServerContext::load(folder.shows({"rsa"}));
    test::ForeignClientSettings client;
    client.highest_version = "TLSv1.2";
    client.ciphers = "ECDHE-ECDSA-AES256-GCM-SHA384";
    const Meeting meeting(*context, client);
    CHECK_FALSE(meeting.agreed);
    CHECK(meeting.server.session.failure() == Failure::no_shared_cipher);
    CHECK(meeting.client.received_alert() == handshake_failure);
}

TEST_CASE("each certificate of several must fit its own key") {
    const Folder folder;
    tls::ServerSettings settings = folder.shows({"rsa", "ecdsa"});
    std::swap(settings.pairs[0].key_file, settings.pairs[1].key_file);
    CHECK(test::complaint_of(settings).starts_with("check of private key failed: "));
}

TEST_CASE("two certificates with keys of one type are refused") {
    const Folder folder;
    CHECK(test::complaint_of(folder.shows({"ecdsa", "rsa", "other"})) ==
          "could not load server certificate file \"" + folder.certificates.certificate("other") +
              "\": there already is a certificate with a key of this type");
}

TEST_CASE("a client gets the certificate of the host that it asks for, in any letter case") {
    const Folder folder;
    tls::ServerSettings settings;
    settings.hosts = {folder.host({"a.example", "b.example"}, "ecdsa"),
                      folder.host({"c.example"}, "rsa"),
                      folder.host({"*"}, "other")};
    const auto context = tls::ServerContext::load(settings);
    for (const char* version : {"TLSv1.2", "TLSv1.3"}) {
        const auto shown = [&](const std::string& name) {
            test::ForeignClientSettings client = asks_for(name);
            client.highest_version = version;
            return shown_to(*context, client);
        };
        CHECK(shown("a.example") == "ecdsa");
        CHECK(shown("B.Example") == "ecdsa");
        CHECK(shown("c.example") == "rsa");
        CHECK(shown("d.example") == "other");
        CHECK(shown("x.a.example") == "other");
        CHECK(shown("*") == "other");
        CHECK(shown("") == "other");
    }
}

TEST_CASE("a client without a server name gets the certificate for such clients") {
    const Folder folder;
    tls::ServerSettings settings;
    settings.hosts = {folder.host({"*"}, "ecdsa"), folder.host({"/no_sni/"}, "rsa")};
    const auto context = tls::ServerContext::load(settings);
    CHECK(shown_to(*context, asks_for("")) == "rsa");
    CHECK(shown_to(*context, asks_for("a.example")) == "ecdsa");
    CHECK(shown_to(*context, asks_for("/no_sni/")) == "ecdsa");
}

TEST_CASE("without a default a client that asks for an unknown host is refused with an alert") {
    const Folder folder;
    tls::ServerSettings settings;
    settings.hosts = {folder.host({"a.example"}, "ecdsa")};
    const auto context = tls::ServerContext::load(settings);

    const Meeting stranger(*context, asks_for("evil\n.example"));
    CHECK_FALSE(stranger.agreed);
    CHECK(stranger.client.received_alert() == unrecognized_name);
    CHECK(stranger.server.session.failure() == Failure::unrecognized_name);
    CHECK(stranger.server.session.error() ==
          "callback failed\nno configuration for host \"evil\\x0a.example\", and no fallback "
          "configured");

    const Meeting nameless(*context, asks_for(""));
    CHECK_FALSE(nameless.agreed);
    // OpenSSL's spelling of missing_extension while the version is not yet known.
    CHECK(nameless.client.received_alert() == handshake_failure);
    CHECK(nameless.server.session.failure() == Failure::unrecognized_name);
    CHECK(nameless.server.session.error() ==
          "callback failed\nno hostname provided in callback, and no fallback configured");
}

TEST_CASE("a server without any certificate is refused when it is loaded") {
    tls::ServerSettings settings;
    settings.pairs.clear();
    CHECK(test::complaint_of(settings) ==
          "there is neither a server certificate nor a host with one");
}

TEST_CASE("each host trusts its own CA, asks with its name, and is not swayed by another's") {
    const Folder folder;
    const auto& certificates = folder.certificates;
    tls::CertificateRequest other = certificates.client_request("bob");
    other.issuer_certificate_file = certificates.certificate("other-root");
    other.issuer_key_file = certificates.key("other-root");
    certificates.issue("other-client", other);
    tls::ServerSettings settings;
    settings.hosts = {folder.host({"a.example"}, "ecdsa", certificates.certificate("root")),
                      folder.host({"b.example"}, "rsa", certificates.certificate("other-root")),
                      folder.host({"d.example"}, "rsa", certificates.certificate("root")),
                      folder.host({"*"}, "other")};
    const auto context = tls::ServerContext::load(settings);

    struct Case {
        const char* host;
        const char* client;
        bool agreed;
        bool requested;
    };
    const Case cases[] = {{"a.example", "client", true, true},
                          {"a.example", "other-client", false, true},
                          {"b.example", "client", false, true},
                          {"b.example", "other-client", true, true},
                          {"c.example", "client", true, false},
                          {"d.example", "client", true, true},
                          {"d.example", "other-client", false, true}};
    for (const char* version : {"TLSv1.2", "TLSv1.3"}) {
        for (const Case& each : cases) {
            INFO(version << " " << each.host << " " << each.client);
            test::ForeignClientSettings client = asks_for(each.host);
            client.highest_version = version;
            client.certificate_file = certificates.certificate(each.client);
            client.key_file = certificates.key(each.client);
            const Meeting meeting(*context, client);
            CHECK(meeting.agreed == each.agreed);
            if (!meeting.agreed) continue;
            const tls::PeerFacts facts = meeting.server.session.facts();
            CHECK(facts.certificate_was_requested == each.requested);
            CHECK(facts.certificate.has_value() == each.requested);
        }
    }
    const auto asked = [&](const std::string& name) {
        return Meeting(*context, asks_for(name)).client.acceptable_authorities();
    };
    CHECK(asked("a.example") == std::vector<std::string>{"Test authority root"});
    CHECK(asked("b.example") == std::vector<std::string>{"Test authority other-root"});
    CHECK(asked("d.example") == std::vector<std::string>{"Test authority root"});
}

TEST_CASE("hosts with the same CA have the same revocation lists") {
    const Folder folder;
    const auto& certificates = folder.certificates;
    certificates.issue("revoked", certificates.client_request("mallory"));
    tls::ServerSettings settings;
    settings.crl_file = certificates.file("root.crl");
    test::write_revocation_list(certificates, settings.crl_file, {"revoked"});
    settings.hosts = {folder.host({"a.example"}, "ecdsa", certificates.certificate("root")),
                      folder.host({"b.example"}, "rsa", certificates.certificate("root"))};
    auto context = tls::ServerContext::load(settings);
    for (const char* host : {"a.example", "b.example"}) {
        for (const std::string name : {"client", "revoked"}) {
            INFO(host << " " << name);
            test::ForeignClientSettings client = asks_for(host);
            client.certificate_file = certificates.certificate(name);
            client.key_file = certificates.key(name);
            CHECK(Meeting(*context, client).agreed == (name == "client"));
        }
    }
}

TEST_CASE("a second hello after HelloRetryRequest cannot ask for another host than the first") {
    const Folder folder;
    const auto& certificates = folder.certificates;
    tls::ServerSettings settings;
    settings.groups = "prime256v1";
    settings.hosts = {folder.host({"a.example"}, "ecdsa", certificates.certificate("root")),
                      folder.host({"b.example"}, "ecdsa", certificates.certificate("other-root")),
                      folder.host({"*"}, "other")};
    const auto context = tls::ServerContext::load(settings);
    const auto meet = [&](const std::string& first, const std::string& second, auto check) {
        INFO(first << ", then " << second);
        test::ForeignClientSettings wishes = asks_for(first);
        wishes.groups = "secp384r1:prime256v1"; // the server has to ask for the second
        wishes.certificate_file = certificates.certificate("client");
        wishes.key_file = certificates.key("client");
        test::Endpoint server(*context);
        test::ForeignClient client(wishes);
        client.exchange_flights(server);
        client.ask_for(second);
        check(client.shake_hands(server), server.session, client);
        CHECK(test::error_queue_is_empty());
    };
    meet("a.example", "a.example", [](bool agreed, const auto& session, const auto&) {
        CHECK(agreed);
        CHECK(session.facts().certificate);
    });
    meet("c.example", "d.example", [](bool agreed, const auto&, const auto&) { CHECK(agreed); });
    const auto refused = [](bool agreed, const auto& session, const auto& client) {
        CHECK_FALSE(agreed);
        CHECK(client.received_alert() == illegal_parameter);
        CHECK(session.failure() == Failure::unrecognized_name);
        CHECK(session.error() ==
              "callback failed\nthe second ClientHello asks for another host than the first");
    };
    meet("a.example", "b.example", refused);
    meet("a.example", "c.example", refused);
    meet("c.example", "a.example", refused);
}

TEST_CASE("versions, ciphers and groups are the same for every host") {
    const Folder folder;
    tls::ServerSettings settings;
    settings.hosts = {folder.host({"a.example"}, "ecdsa")};
    settings.min_protocol_version = "TLSv1.3";
    settings.groups = "P-384";
    const auto context = tls::ServerContext::load(settings);
    const Meeting meeting(*context, asks_for("a.example"));
    CHECK(meeting.agreed);
    CHECK(meeting.server.session.facts().group == "secp384r1");
    test::ForeignClientSettings old = asks_for("a.example");
    old.highest_version = "TLSv1.2";
    CHECK_FALSE(Meeting(*context, old).agreed);
}

TEST_CASE("a handshake outlives the context that it began with, also before its host is known") {
    const Folder folder;
    tls::ServerSettings settings;
    settings.hosts = {folder.host({"a.example"}, "ecdsa")};
    auto context = tls::ServerContext::load(settings);
    test::Endpoint server(*context);
    test::ForeignClient client(asks_for("a.example"));
    context.reset();
    CHECK(client.shake_hands(server));
}
