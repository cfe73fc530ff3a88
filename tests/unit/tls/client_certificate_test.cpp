// Client certificates: requested only if there is a CA, optional, and refused with PostgreSQL's
// texts.
#include "tests/support/catch.h"
#include "tests/unit/tls/openssl_peer.h"

#include <filesystem>
#include <fstream>
#include <sstream>

using namespace pgmoat;
using tls::Failure;
using tls::Status;

namespace {

class Server {
  public:
    explicit Server(const test::CertificateFolder& certificates) : certificates_(certificates) {
        settings.ca_file = certificates.certificate("root");
        settings.pairs = {certificates.pair("server")};
    }

    // The server's session after a handshake with a client that has that certificate.
    const tls::Session& meets(const std::string& name, const char* version = "TLSv1.3") {
        tls::ClientSettings client = certificates_.client_settings_with_certificate(name);
        client.max_protocol_version = version;
        pair_ = std::make_unique<test::TlsPair>(settings, client);
        agreed = pair_->shake_hands();
        pair_->let_client_hear();
        return pair_->server.session;
    }
    [[nodiscard]] const test::TlsPair& pair() const { return *pair_; }

    tls::ServerSettings settings;
    bool agreed = false;

  private:
    const test::CertificateFolder& certificates_;
    std::unique_ptr<test::TlsPair> pair_;
};

bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

} // namespace

TEST_CASE("without ssl_ca_file no client is asked for a certificate") {
    const test::CertificateFolder certificates;
    Server server(certificates);
    server.settings.ca_file.clear();

    CHECK_FALSE(server.meets("client").facts().certificate);
    CHECK(server.agreed);
    CHECK_FALSE(server.meets("client").facts().certificate_was_requested);
}

TEST_CASE(
    "with ssl_ca_file a client without a certificate is still accepted, and gets the CA's name") {
    const test::CertificateFolder certificates;
    Server server(certificates);
    const auto context = tls::ServerContext::load(server.settings);
    test::Endpoint endpoint(*context);
    test::ForeignClient client({});

    CHECK(client.shake_hands(endpoint));
    CHECK(endpoint.session.facts().certificate_was_requested);
    CHECK_FALSE(endpoint.session.facts().certificate);
    CHECK(client.acceptable_authorities() == std::vector<std::string>{"Test authority root"});
}

TEST_CASE("bad client certificates fail the handshake, each with its reason") {
    const test::CertificateFolder certificates;
    tls::CertificateRequest expired = certificates.client_request("alice");
    expired.starts_in_days = -10;
    expired.days = 5;
    certificates.issue("expired", expired);
    tls::CertificateRequest early = certificates.client_request("alice");
    early.starts_in_days = 5;
    certificates.issue("early", early);
    tls::CertificateRequest other = certificates.client_request("alice");
    other.issuer_certificate_file = certificates.certificate("other-root");
    other.issuer_key_file = certificates.key("other-root");
    certificates.issue("other", other);
    tls::CertificateRequest self_signed = certificates.client_request("alice");
    self_signed.issuer_certificate_file.clear();
    certificates.issue("self-signed", self_signed);

    struct Case {
        const char* name;
        Failure servers;
        Failure clients;
    };
    const Case cases[] = {
        {"expired", Failure::certificate_expired, Failure::certificate_expired},
        {"early", Failure::certificate_expired, Failure::certificate_other},
        {"other", Failure::certificate_untrusted, Failure::certificate_untrusted},
        {"self-signed", Failure::certificate_untrusted, Failure::certificate_untrusted},
        {"server", Failure::certificate_other, Failure::certificate_other}, // no clientAuth
    };
    Server server(certificates);
    for (const char* version : {"TLSv1.2", "TLSv1.3"}) {
        for (const Case& each : cases) {
            INFO(version << " " << each.name);
            const tls::Session& session = server.meets(each.name, version);
            CHECK_FALSE(server.agreed);
            CHECK(session.failure() == each.servers);
            CHECK(server.pair().client.session.failure() == each.clients);
            CHECK(test::error_queue_is_empty());
        }
        server.meets("client", version);
        CHECK(server.agreed);
    }
}

TEST_CASE("a refused certificate is described in PostgreSQL's two lines of detail") {
    const test::CertificateFolder certificates;
    tls::CertificateRequest other = certificates.client_request("mallory");
    other.issuer_certificate_file = certificates.certificate("other-root");
    other.issuer_key_file = certificates.key("other-root");
    certificates.issue("other", other);
    Server server(certificates);

    const std::string error = server.meets("other").error();
    CHECK(error.starts_with("certificate verify failed\n"
                            "Client certificate verification failed at depth 0: unable to get "
                            "local issuer certificate.\n"
                            "Failed certificate data (unverified): subject \"/CN=mallory\", serial "
                            "number "));
    CHECK(error.ends_with(", issuer \"/CN=Test authority other-root\"."));
}

TEST_CASE("names in the detail are the last 71 bytes, in ASCII") {
    const test::CertificateFolder certificates;
    test::issue_with_subject(
        certificates,
        "long",
        {{"O", std::string(40, 'o')}, {"OU", "\xCE\x9F"}, {"CN", std::string(64, 'c')}});
    Server server(certificates);
    server.settings.ca_file = certificates.certificate("other-root");
    CHECK(
        contains(server.meets("long").error(), "subject \".../CN=" + std::string(64, 'c') + "\""));

    test::issue_with_subject(certificates, "greek", {{"CN", "\xCE\x9F"}});
    CHECK(contains(server.meets("greek").error(), "subject \"/CN=\\xce\\x9f\""));
}

TEST_CASE("a NUL inside the common name refuses the client in PostgreSQL's words") {
    const test::CertificateFolder certificates;
    const std::string two_faced("alice\0.example.com", 18);
    certificates.issue("nul", certificates.client_request(two_faced));
    Server server(certificates);
    for (const char* version : {"TLSv1.2", "TLSv1.3"}) {
        const tls::Session& session = server.meets("nul", version);
        CHECK_FALSE(server.agreed);
        CHECK(session.failure() == Failure::certificate_other);
        CHECK(session.error() == "SSL certificate's common name contains embedded null");
    }
    // Closed with close_notify, as by PostgreSQL.
    CHECK(server.pair().client.last_read == Status::closed);
}

TEST_CASE("a NUL elsewhere in the subject refuses the client, too") {
    const test::CertificateFolder certificates;
    test::issue_with_subject(
        certificates, "nul", {{"O", std::string("PG\0Inc", 6)}, {"CN", "alice"}});
    Server server(certificates);

    CHECK(server.meets("nul").error() ==
          "SSL certificate's distinguished name contains embedded null");
    CHECK_FALSE(server.agreed);
}

TEST_CASE("a NUL in an alternative name refuses the client, too") {
    const test::CertificateFolder certificates;
    tls::CertificateRequest request = certificates.client_request("alice");
    request.names = {std::string("alice\0.example.com", 18)};
    certificates.issue("nul", request);
    Server server(certificates);

    CHECK(server.meets("nul").error() == "SSL certificate's name contains embedded null");
    CHECK_FALSE(server.agreed);
}

TEST_CASE("a revoked client certificate is refused, by file and by folder") {
    const test::CertificateFolder certificates;
    certificates.issue("revoked", certificates.client_request("mallory"));
    test::write_revocation_list(certificates, certificates.file("root.crl"), {"revoked"});
    Server server(certificates);
    server.settings.crl_file = certificates.file("root.crl");

    CHECK(server.meets("revoked").failure() == Failure::certificate_revoked);
    CHECK(server.pair().client.session.failure() == Failure::certificate_revoked);
    server.meets("client");
    CHECK(server.agreed);
}

TEST_CASE("a revoked client certificate is refused by a list in a folder, as it was first read") {
    const test::CertificateFolder certificates;
    certificates.issue("revoked", certificates.client_request("mallory"));
    certificates.issue("late", certificates.client_request("eve"));
    Server server(certificates);
    server.settings.crl_dir = certificates.file("lists");
    test::write_revocation_folder(certificates, server.settings.crl_dir, {"revoked"});
    const auto context = tls::ServerContext::load(server.settings);
    const auto failure_of = [&](const tls::ServerContext& of, const std::string& name) {
        test::ForeignClientSettings settings;
        settings.certificate_file = certificates.certificate(name);
        settings.key_file = certificates.key(name);
        test::Endpoint endpoint(of);
        test::ForeignClient client(settings);
        (void)client.shake_hands(endpoint);
        return endpoint.session.failure();
    };
    CHECK(failure_of(*context, "revoked") == Failure::certificate_revoked);
    CHECK(failure_of(*context, "late") == Failure::none);
    test::write_revocation_folder(certificates, server.settings.crl_dir, {"revoked", "late"});
    // This is why watching the directory makes sense.
    CHECK(failure_of(*context, "late") == Failure::none);
    const auto anew = tls::ServerContext::load(server.settings);
    CHECK(failure_of(*anew, "late") == Failure::certificate_revoked);
}

TEST_CASE("lists that every client certificate would fail for are refused when they are loaded") {
    const test::CertificateFolder certificates;
    const auto complaint = [&](const std::string& file, const std::string& folder) {
        Server server(certificates);
        server.settings.crl_file = file;
        server.settings.crl_dir = folder;
        try {
            (void)tls::ServerContext::load(server.settings);
        } catch (const tls::Error& error) {
            CHECK(test::error_queue_is_empty());
            return std::string(error.what());
        }
        return std::string("no complaint");
    };
    const std::string nowhere = certificates.file("nowhere");
    CHECK(complaint("", nowhere) == "could not load SSL certificate revocation list directory \"" +
                                        nowhere + "\": No such file or directory");
    const std::string no_folder = certificates.certificate("root");
    CHECK(complaint("", no_folder) ==
          "could not load SSL certificate revocation list directory \"" + no_folder +
              "\": Not a directory");

    const std::string two = nowhere + ":" + nowhere;
    CHECK(complaint("", two) == "could not load SSL certificate revocation list directory \"" +
                                    two + "\": A colon in its name separates folders for OpenSSL");

    const std::string empty = certificates.file("empty");
    std::filesystem::create_directory(empty);
    const std::string nobodys = "no certificate revocation list of CA \"/CN=Test authority root\"";
    CHECK(complaint("", empty) == nobodys + " in directory \"" + empty + "\"");
    const std::string list = certificates.file("root.crl");
    test::write_revocation_list(certificates, list, {}, "other-root");
    CHECK(complaint(list, empty) ==
          nobodys + " in file \"" + list + "\" or directory \"" + empty + "\"");
    test::write_revocation_list(certificates, list, {});
    CHECK(complaint(list, empty) == "no complaint");
}

TEST_CASE("a list that has expired is noted, once, when it is loaded") {
    const test::CertificateFolder certificates;
    Server server(certificates);
    server.settings.crl_file = certificates.file("root.crl");
    test::write_revocation_list(certificates, server.settings.crl_file, {});
    CHECK(tls::ServerContext::load(server.settings)->notes().empty());
    test::write_revocation_list(certificates, server.settings.crl_file, {}, "root", -2);
    tls::HostSettings host;
    host.pairs = server.settings.pairs;
    host.ca_file = server.settings.ca_file;
    server.settings.hosts = {host, host};
    server.settings.hosts[0].names = {"a.example"};
    server.settings.hosts[1].names = {"b.example"};
    CHECK(tls::ServerContext::load(server.settings)->notes() ==
          std::vector<std::string>{"the certificate revocation list of CA \"/CN=Test authority "
                                   "root\" has expired: every client certificate of this CA is "
                                   "refused"});
}

TEST_CASE("without a CA no list is needed") {
    const test::CertificateFolder certificates;
    Server server(certificates);
    server.settings.ca_file.clear();
    server.settings.crl_file = certificates.file("root.crl");
    test::write_revocation_list(certificates, server.settings.crl_file, {}, "other-root");
    server.meets("client");
    CHECK(server.agreed);
}

TEST_CASE(
    "a client certificate at the end of a chain of ten passes when it brings the chain along") {
    const test::CertificateFolder certificates;
    std::string issuer = "root";
    std::string chain;
    for (int i = 1; i <= 9; ++i) {
        const bool is_leaf = i == 9;
        const std::string name = is_leaf ? "leaf" : "authority-" + std::to_string(i);
        tls::CertificateRequest request = certificates.client_request(name);
        if (!is_leaf) request.kind = tls::CertificateKind::authority;
        request.issuer_certificate_file = certificates.certificate(issuer);
        request.issuer_key_file = certificates.key(issuer);
        certificates.issue(name, request);
        std::stringstream text;
        text << std::ifstream(certificates.certificate(name)).rdbuf();
        chain.insert(0, text.str());
        issuer = name;
    }
    Server server(certificates);
    CHECK(server.meets("leaf").failure() == Failure::certificate_untrusted);
    std::ofstream(certificates.certificate("leaf")) << chain;
    server.meets("leaf");
    CHECK(server.agreed);
}
