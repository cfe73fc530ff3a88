// `pgmoat cert`: that the files are what PostgreSQL and OpenSSL take, and closed to others.
#include "tests/support/catch.h"
#include "tests/unit/tls/openssl_peer.h"

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
        return error.what();
    }
    return "";
}

std::size_t files_in(const std::filesystem::path& folder) {
    return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(folder), {}));
}

} // namespace

TEST_CASE("the key is for its owner only, the certificate for everyone, whatever the umask") {
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
              "could not create file \"" + folder.file(existing) + "\": File exists");
        CHECK(contents(folder.file(existing)) == "precious");
        CHECK(files_in(std::filesystem::path(folder.file("c")).parent_path()) == 1);

        tls::issue_certificate(self_signed("db"), folder.file("c"), folder.file("k"), true);
        CHECK(contents(folder.file(existing)) != "precious");
        CHECK(mode_of(folder.file("k")) == 0600);
    }
}

TEST_CASE("what cannot be made is explained and leaves nothing behind") {
    const test::CertificateFolder certificates;
    const test::TemporaryFolder folder;
    const std::string c = folder.file("c");
    const std::string k = folder.file("k");

    CHECK(error_of(self_signed("db"), folder.file("no/c"), folder.file("no/k")) ==
          "could not create file \"" + folder.file("no/k") + "\": No such file or directory");
    CHECK(error_of(self_signed(std::string(65, 'x')), c, k)
              .starts_with("could not set the common name: "));
    tls::CertificateRequest no_issuer = self_signed("db");
    no_issuer.issuer_certificate_file = folder.file("nobody");
    CHECK(error_of(no_issuer, c, k) ==
          "could not open file \"" + folder.file("nobody") + "\": No such file or directory");
    tls::CertificateRequest wrong_key = certificates.server_request("db");
    wrong_key.issuer_key_file = certificates.key("other-root");
    CHECK(error_of(wrong_key, c, k).starts_with("could not use the issuer's private key: "));

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
