// `pgmoat cert`: PostgreSQL and OpenSSL accept the files, and other users cannot read the key.
#include "tests/support/catch.h"
#include "tests/unit/tls/openssl_peer.h"
#include "tls/inspect.h"

#include <sys/stat.h>

#include <fstream>
#include <sstream>

using namespace pgmoat;

namespace {

mode_t mode_of(const std::string& path) {
    struct stat status {};
    REQUIRE(stat(path.c_str(), &status) == 0);
    return status.st_mode & 07777U;
}

std::string contents(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

tls::CertificateRequest self_signed(const std::string& common_name) {
    tls::CertificateRequest request;
    request.common_name = common_name;
    return request;
}

std::string error_of(const tls::CertificateRequest& request,
                     const std::string& certificate,
                     const std::string& key) {
    try {
        tls::issue_certificate(request, certificate, key, false);
    } catch (const tls::Error& error) {
        CHECK(test::error_queue_is_empty());
        return error.what() + (error.hint.empty() ? "" : " (" + error.hint + ")");
    }
    return "";
}

std::size_t files_in(const std::filesystem::path& folder) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

} // namespace

TEST_CASE("only the owner can read the key, all users the certificate, whatever the umask") {
    for (const mode_t mask : {mode_t{0}, mode_t{077}}) {
        const test::TemporaryFolder folder;
        const mode_t before = umask(mask);
        tls::issue_certificate(self_signed("db"), folder.file("c"), folder.file("k"), false);
        umask(before);

        CHECK(mode_of(folder.file("k")) == 0600);
        CHECK(mode_of(folder.file("c")) == 0644);
        CHECK(contents(folder.file("k")).starts_with("-----BEGIN PRIVATE KEY-----\n"));
        CHECK(contents(folder.file("c")).starts_with("-----BEGIN CERTIFICATE-----\n"));
    }
}

TEST_CASE("an existing file stays as it is unless it may be overwritten") {
    for (const char* existing : {"c", "k"}) {
        const test::TemporaryFolder folder;
        std::ofstream(folder.file(existing)) << "precious";

        CHECK(error_of(self_signed("db"), folder.file("c"), folder.file("k")) ==
              "could not create file \"" + folder.file(existing) +
                  "\": File exists (Use --overwrite to replace it.)");
        CHECK(contents(folder.file(existing)) == "precious");
        CHECK(files_in(std::filesystem::path(folder.file("c")).parent_path()) == 1);

        tls::issue_certificate(self_signed("db"), folder.file("c"), folder.file("k"), true);
        CHECK(contents(folder.file(existing)) != "precious");
        CHECK(mode_of(folder.file("k")) == 0600);
    }
}

TEST_CASE("a request that cannot be met is explained and leaves no files") {
    const test::CertificateFolder certificates;
    const test::TemporaryFolder folder;
    const std::string c = folder.file("c");
    const std::string k = folder.file("k");

    CHECK(error_of(self_signed("db"), folder.file("no/c"), folder.file("no/k")) ==
          "could not create file \"" + folder.file("no/k") + "\": No such file or directory");
    tls::CertificateRequest no_issuer = self_signed("db");
    no_issuer.issuer_certificate_file = folder.file("nobody");
    CHECK(error_of(no_issuer, c, k) ==
          "could not open file \"" + folder.file("nobody") + "\": No such file or directory");
    tls::CertificateRequest wrong_key = certificates.server_request("db");
    wrong_key.issuer_key_file = certificates.key("other-root");
    CHECK(error_of(wrong_key, c, k) == "private key file \"" + certificates.key("other-root") +
                                           "\" does not belong to certificate file \"" +
                                           certificates.certificate("root") + "\"");
    tls::CertificateRequest swapped = certificates.server_request("db");
    std::swap(swapped.issuer_certificate_file, swapped.issuer_key_file);
    CHECK(error_of(swapped, c, k) ==
          "could not load certificate file \"" + certificates.key("root") +
              "\": no start line (The file holds a private key, not a certificate.)");

    CHECK(files_in(std::filesystem::path(c).parent_path()) == 0);
}

TEST_CASE("every kind of key serves a handshake") {
    const test::CertificateFolder certificates;
    for (const tls::KeyType type :
         {tls::KeyType::ecdsa_p256, tls::KeyType::rsa_2048, tls::KeyType::ed25519}) {
        tls::CertificateRequest request = certificates.server_request("db.example.com");
        request.key_type = type;
        certificates.issue("typed", request);
        for (const char* version : {"TLSv1.2", "TLSv1.3"}) {
            tls::ClientSettings client =
                certificates.verifying_client_settings(tls::Verify::chain_and_name);
            client.max_protocol_version = version;
            test::TlsPair pair(certificates.server_settings("typed"), client);
            CHECK(pair.shake_hands());
        }
    }
}

TEST_CASE("no two certificates have the same serial number") {
    const test::CertificateFolder certificates;
    const auto serial = [&] {
        certificates.issue("server", certificates.server_request("db.example.com"));
        test::TlsPair pair(certificates.server_settings(), certificates.client_settings());
        REQUIRE(pair.shake_hands());
        return pair.client.session.facts().certificate->serial;
    };
    CHECK(serial() != serial());
}

TEST_CASE("a request that makes no sense is refused before anything is written") {
    const test::TemporaryFolder folder;
    const std::string c = folder.file("c");
    const std::string k = folder.file("k");
    const auto complaint = [&](tls::CertificateKind kind,
                               const std::string& common_name,
                               const std::vector<std::string>& names) {
        tls::CertificateRequest request = self_signed(common_name);
        request.kind = kind;
        request.names = names;
        return error_of(request, c, k);
    };
    using Kind = tls::CertificateKind;
    const std::string long_label(64, 'x');

    CHECK(complaint(Kind::authority, "", {}) == "common name must not be empty");
    CHECK(complaint(Kind::client, "", {}) == "common name must not be empty");
    CHECK(complaint(Kind::server, "", {}) == "a server certificate needs a host name");
    CHECK(complaint(Kind::client, "a\nb", {}) == "common name must not contain control characters");
    CHECK(complaint(Kind::authority, std::string(65, 'x'), {}) ==
          "common name is longer than 64 characters");
    CHECK(complaint(Kind::server, "db", {""}) == "host name must not be empty");
    for (const char* address :
         {"10.0.0.999", "1.2.3", "010.0.0.1", "::g", "[::1]", "10.0.0.1:5432"})
        CHECK(complaint(Kind::server, "db", {address}) ==
              "invalid IP address: \"" + std::string(address) + "\"");
    for (const std::string& name : std::vector<std::string>{"bad host!",
                                                            "a..b",
                                                            ".db",
                                                            "db.",
                                                            "-db",
                                                            "db-",
                                                            "*",
                                                            "d*.example.com",
                                                            "db.*.com",
                                                            "b\xc3\xbc"
                                                            "cher.example",
                                                            "https//db",
                                                            long_label + ".example.com"})
        CHECK(complaint(Kind::server, "db", {name})
                  .starts_with("invalid host name: \"" + name + "\" (Use letters"));
    CHECK(complaint(Kind::server, "bad host!", {}).starts_with("invalid host name: "));
    CHECK(error_of(self_signed("db"), c, c) ==
          "certificate and private key must be different files");
    CHECK(error_of(self_signed("db"), c, folder.file("./c")) ==
          "certificate and private key must be different files");

    CHECK(files_in(std::filesystem::path(c).parent_path()) == 0);
}

TEST_CASE("names that clients can compare are taken, each once") {
    const test::TemporaryFolder folder;
    tls::CertificateRequest request = self_signed("db.example.com");
    request.names = {"db.example.com",
                     "*.example.com",
                     "xn--bcher-kva.example",
                     "my_db",
                     "10.0.0.9",
                     "fe80::1",
                     "10.0.0.9"};
    tls::issue_certificate(request, folder.file("c"), folder.file("k"), false);
    CHECK(tls::inspect_chain(folder.file("c")).names ==
          std::vector<std::string>{"db.example.com",
                                   "*.example.com",
                                   "xn--bcher-kva.example",
                                   "my_db",
                                   "10.0.0.9",
                                   "fe80::1"});
}

TEST_CASE("a server whose names are longer than a common name does without one") {
    const test::CertificateFolder certificates;
    const std::string name = std::string(60, 'x') + ".example.com";
    tls::CertificateRequest request = certificates.server_request("");
    request.names = {name};
    certificates.issue("long", request);
    tls::ClientSettings client =
        certificates.verifying_client_settings(tls::Verify::chain_and_name);
    test::TlsPair pair(certificates.server_settings("long"), client, name);
    CHECK(pair.shake_hands());
}

TEST_CASE("an authority's certificate is for signing, a leaf is not") {
    const test::CertificateFolder certificates;
    certificates.issue("leaf", certificates.server_request("db"));
    const test::TemporaryFolder folder;
    tls::CertificateRequest request = certificates.server_request("db");
    request.issuer_certificate_file = certificates.certificate("leaf");
    request.issuer_key_file = certificates.key("leaf");
    CHECK(error_of(request, folder.file("c"), folder.file("k")) ==
          "certificate file \"" + certificates.certificate("leaf") +
              "\" is not the certificate of an authority: it must not sign others");
}

TEST_CASE("a certificate never outlives its authority") {
    const test::TemporaryFolder folder;
    tls::CertificateRequest authority = self_signed("CA");
    authority.kind = tls::CertificateKind::authority;
    const auto issue_authority = [&](int starts_in_days, int days) {
        authority.starts_in_days = starts_in_days;
        authority.days = days;
        return tls::issue_certificate(authority, folder.file("ca"), folder.file("ca.key"), true);
    };
    tls::CertificateRequest leaf = self_signed("db");
    leaf.issuer_certificate_file = folder.file("ca");
    leaf.issuer_key_file = folder.file("ca.key");
    const auto issue_leaf = [&] {
        return tls::issue_certificate(leaf, folder.file("c"), folder.file("k"), true);
    };

    // The default validity of a CA is longer than that of a leaf.
    const std::int64_t ten_years = issue_authority(0, 0);
    CHECK(ten_years > issue_leaf() + 8L * 365 * 86400);
    // By default it ends with its CA.
    const std::int64_t thirty_days = issue_authority(0, 30);
    CHECK(issue_leaf() == thirty_days);
    leaf.days = 30;
    leaf.starts_in_days = -1;
    CHECK(issue_leaf() > 0);
    leaf.starts_in_days = 0;
    leaf.days = 31;
    CHECK(error_of(leaf, folder.file("c2"), folder.file("k2"))
              .starts_with("the certificate would outlive its authority, which is valid until 2"));
    (void)issue_authority(-10, 5);
    CHECK(error_of(leaf, folder.file("c2"), folder.file("k2"))
              .starts_with("certificate file \"" + folder.file("ca") + "\" has expired on 2"));
}

TEST_CASE("the authority's own files are not overwritten") {
    const test::CertificateFolder certificates;
    const test::TemporaryFolder folder;
    const tls::CertificateRequest request = certificates.server_request("db");
    for (const std::string& file : {certificates.certificate("root"), certificates.key("root")}) {
        const std::string before = contents(file);
        CHECK_THROWS_AS(tls::issue_certificate(request, file, folder.file("k"), true),
                        tls::InvalidRequest);
        CHECK_THROWS_AS(tls::issue_certificate(request, folder.file("c"), file, true),
                        tls::InvalidRequest);
        CHECK(contents(file) == before);
    }
}

TEST_CASE("a self-signed certificate of a server is one, though it must sign no others") {
    const test::TemporaryFolder folder;
    tls::issue_certificate(self_signed("db"), folder.file("c"), folder.file("k"), false);
    const tls::ChainFacts facts = tls::inspect_chain(folder.file("c"));
    CHECK(facts.links.front().self_signed);
    CHECK(tls::verification_problem(facts, facts.not_before) == "");
}
