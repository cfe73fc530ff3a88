// Finite-field Diffie-Hellman of TLS 1.2: the built-in group, groups from files, and invalid files.
#define OPENSSL_SUPPRESS_DEPRECATED // only deprecated functions make parameters that are wrong

#include "tests/support/catch.h"
#include "tests/unit/tls/openssl_peer.h"
#include "tls/handles.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/dh.h>
#include <openssl/pem.h>

#include <fstream>

using namespace pgmoat;
using tls::Occasion;

namespace {

struct Folder {
    Folder() {
        tls::CertificateRequest rsa = certificates.server_request("db.example.com");
        rsa.key_type = tls::KeyType::rsa_2048;
        certificates.issue("rsa", rsa);
        settings = certificates.server_settings("rsa");
        settings.dh_params_file = certificates.file("dh.pem");
    }

    // Takes ownership of both.
    void write(BIGNUM* prime, BIGNUM* generator) const {
        DH* parameters = DH_new();
        REQUIRE(DH_set0_pqg(parameters, prime, nullptr, generator) == 1);
        const tls::BioPtr file(BIO_new_file(settings.dh_params_file.c_str(), "w"));
        CHECK(PEM_write_bio_DHparams(file.get(), parameters) == 1);
        DH_free(parameters);
    }

    test::CertificateFolder certificates;
    tls::ServerSettings settings;
};

BIGNUM* number(BN_ULONG value) {
    BIGNUM* result = BN_new();
    BN_set_word(result, value);
    return result;
}

int bits_of_handshake(const std::shared_ptr<const tls::ServerContext>& context) {
    test::ForeignClientSettings offer;
    offer.highest_version = "TLSv1.2";
    offer.ciphers = "DHE-RSA-AES256-GCM-SHA384";
    test::Endpoint server(*context);
    test::ForeignClient client(offer);
    return client.shake_hands(server) ? client.ephemeral_key_bits() : 0;
}

} // namespace

TEST_CASE("a client that wants finite-field Diffie-Hellman gets PostgreSQL's 2048-bit group") {
    Folder folder;
    folder.settings.dh_params_file.clear();
    const auto context = tls::ServerContext::load(folder.settings);
    CHECK(bits_of_handshake(context) == 2048);
    CHECK(context->notes().empty());
}

TEST_CASE("the group of ssl_dh_params_file is used") {
    const Folder folder;
    folder.write(BN_get_rfc3526_prime_3072(nullptr), number(2));
    CHECK(bits_of_handshake(tls::ServerContext::load(folder.settings)) == 3072);
}

TEST_CASE("a file that holds no usable group ends a start") {
    const Folder folder;
    const std::string& file = folder.settings.dh_params_file;
    CHECK(test::complaint_of(folder.settings) ==
          "could not open DH parameters file \"" + file + "\": No such file or directory");

    std::ofstream(file) << "this is no PEM\n";
    const std::string junk = "could not load DH parameters file: ";
    CHECK(test::complaint_of(folder.settings).substr(0, junk.size()) == junk);

    BIGNUM* even = BN_get_rfc3526_prime_2048(nullptr);
    BN_add_word(even, 1);
    folder.write(even, number(2));
    CHECK(test::complaint_of(folder.settings) == "invalid DH parameters: p is not prime");
}

TEST_CASE("a group that is too small for OpenSSL is refused") {
    const Folder folder;
    BIGNUM* small = BN_new();
    REQUIRE(BN_generate_prime_ex(small, 512, 1, nullptr, nullptr, nullptr) == 1);
    folder.write(small, number(2));
    CHECK(test::complaint_of(folder.settings).find("DH parameters: ") != std::string::npos);
}

TEST_CASE("at a reload a bad file is a note, and the built-in group is used") {
    const Folder folder;
    const auto context = tls::ServerContext::load(folder.settings, {Occasion::reload, {}});
    CHECK(context->notes() == std::vector<std::string>{"could not open DH parameters file \"" +
                                                       folder.settings.dh_params_file +
                                                       "\": No such file or directory"});
    CHECK(bits_of_handshake(context) == 2048);
}
