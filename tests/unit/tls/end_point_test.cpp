// tls-server-end-point: both sides of a connection compute it, with the digest that the
// certificate's own signature names.
#include "tests/support/catch.h"
#include "tests/unit/tls/openssl_peer.h"
#include "tls/scram_keys.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <cstdio>
#include <memory>

using namespace pgmoat;

namespace {

using Digest = std::vector<std::uint8_t>;

// A self-signed certificate with any key and digest that OpenSSL supports.
class SelfSigned {
  public:
    SelfSigned(const std::string& key_type, const EVP_MD* digest, bool pss = false)
        : certificate_file_(folder_.file("own.crt")), key_file_(folder_.file("own.key")) {
        EVP_PKEY* const key = make_key(key_type);
        X509* const certificate = X509_new();
        X509_set_version(certificate, 2);
        ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
        X509_gmtime_adj(X509_getm_notBefore(certificate), -60);
        X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
        X509_set_pubkey(certificate, key);
        X509_NAME* const name = X509_get_subject_name(certificate);
        const auto* const text = reinterpret_cast<const unsigned char*>("db.example.com");
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0);
        X509_set_issuer_name(certificate, name);
        sign(certificate, key, digest, pss);
        write(certificate, key);
        unsigned size = 0;
        expected.resize(EVP_MAX_MD_SIZE);
        X509_digest(certificate, digest ? digest : EVP_sha256(), expected.data(), &size);
        expected.resize(size);
        X509_free(certificate);
        EVP_PKEY_free(key);
    }

    [[nodiscard]] tls::ServerSettings settings() const {
        tls::ServerSettings settings;
        settings.pairs = {{certificate_file_, key_file_}};
        return settings;
    }

    Digest expected; // by the digest that it was signed with

  private:
    static EVP_PKEY* make_key(const std::string& type) {
        if (type == "RSA") return EVP_PKEY_Q_keygen(nullptr, nullptr, "RSA", std::size_t{2048});
        if (type == "ED25519" || type == "ED448")
            return EVP_PKEY_Q_keygen(nullptr, nullptr, type.c_str());
        return EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", type.c_str());
    }
    static void sign(X509* certificate, EVP_PKEY* key, const EVP_MD* digest, bool pss) {
        EVP_MD_CTX* const context = EVP_MD_CTX_new();
        EVP_PKEY_CTX* parameters = nullptr;
        REQUIRE(EVP_DigestSignInit(context, &parameters, digest, nullptr, key) == 1);
        if (pss) {
            REQUIRE(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1);
            REQUIRE(EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, RSA_PSS_SALTLEN_DIGEST) == 1);
        }
        REQUIRE(X509_sign_ctx(certificate, context) > 0);
        EVP_MD_CTX_free(context);
    }
    void write(X509* certificate, EVP_PKEY* key) const {
        std::FILE* file = std::fopen(certificate_file_.c_str(), "w");
        PEM_write_X509(file, certificate);
        std::fclose(file);
        file = std::fopen(key_file_.c_str(), "w");
        PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
        std::fclose(file);
        std::filesystem::permissions(key_file_, std::filesystem::perms::owner_read);
    }

    test::TemporaryFolder folder_;
    std::string certificate_file_;
    std::string key_file_;
};

} // namespace

TEST_CASE("both sides bind to the digest that the certificate is signed with") {
    struct Case {
        const char* key;
        const EVP_MD* digest;
        bool pss;
        std::size_t size;
    };
    for (const auto& row : {Case{"RSA", EVP_sha256(), false, 32},
                            Case{"RSA", EVP_sha384(), false, 48},
                            Case{"RSA", EVP_sha512(), false, 64},
                            Case{"RSA", EVP_sha256(), true, 32},
                            Case{"RSA", EVP_sha384(), true, 48},
                            Case{"P-256", EVP_sha256(), false, 32},
                            Case{"P-384", EVP_sha384(), false, 48}}) {
        INFO(row.key << ' ' << row.size << ' ' << row.pss);
        const SelfSigned certificate(row.key, row.digest, row.pss);
        test::TlsPair pair(certificate.settings(), {});
        REQUIRE(pair.shake_hands());
        REQUIRE(certificate.expected.size() == row.size);
        REQUIRE(pair.server.session.end_point() == certificate.expected);
        REQUIRE(pair.client.session.end_point() == certificate.expected);
    }
}

TEST_CASE("an Ed25519 or Ed448 certificate has nothing to bind to") {
    for (const char* const key : {"ED25519", "ED448"}) {
        INFO(key);
        const SelfSigned certificate(key, nullptr);
        test::TlsPair pair(certificate.settings(), {});
        REQUIRE(pair.shake_hands());
        REQUIRE(pair.server.session.end_point().empty());
        REQUIRE(pair.client.session.end_point().empty());
    }
}

TEST_CASE("before the handshake there is no peer to bind to") {
    const test::CertificateFolder certificates;
    test::TlsPair pair(certificates.server_settings(), certificates.client_settings());
    REQUIRE(pair.client.session.end_point().empty());
}
