// Hints about files that OpenSSL could not load.
#include "tests/support/catch.h"
#include "tests/support/tls_pair.h"
#include "tls/pem_contents.h"

#include <fstream>
#include <string>

using namespace pgmoat;
using tls::Pem;

TEST_CASE("a file that could not be loaded is described by what it holds") {
    const test::CertificateFolder certificates;
    const auto hint_about_text = [&](const std::string& text, Pem wanted) {
        std::ofstream(certificates.file("x"), std::ios::binary) << text;
        return tls::hint_about(certificates.file("x"), wanted);
    };
    CHECK(tls::hint_about(certificates.key("server"), Pem::certificate) ==
          "The file holds a private key, not a certificate.");
    CHECK(tls::hint_about(certificates.certificate("server"), Pem::key) ==
          "The file holds a certificate, not a private key.");
    CHECK(hint_about_text("", Pem::key) == "The file is empty.");
    CHECK(hint_about_text("hello\n", Pem::certificate) ==
          "The file holds no PEM block (\"-----BEGIN ...\").");
    CHECK(hint_about_text("-----BEGIN CERTIFICATE REQUEST-----\n", Pem::certificate) ==
          "The file holds \"CERTIFICATE REQUEST\", not a certificate.");
    CHECK(hint_about_text("-----BEGIN X509 CRL-----\n", Pem::certificate) ==
          "The file holds a revocation list, not a certificate.");
    CHECK(hint_about_text("-----BEGIN CERTIFICATE-----\nAAAA\n", Pem::certificate) ==
          "The file is damaged.");
    // Valid, but unusable for another reason, such as a key that is too short.
    CHECK(tls::hint_about(certificates.certificate("server"), Pem::certificate)
              .starts_with("The file can be read, but OpenSSL's security level"));
    CHECK(hint_about_text("-----BEGIN ENCRYPTED PRIVATE KEY-----\n", Pem::key)
              .starts_with("The private key is protected by a passphrase"));
    CHECK(hint_about_text(std::string("\x30\x82\x01\x00", 4), Pem::certificate)
              .starts_with("The file is in DER form"));
    CHECK(hint_about_text(std::string("\xff\xfe-\0", 4), Pem::key) ==
          "The file is UTF-16 text, not PEM.");
}

TEST_CASE("of a file that cannot be read nothing is said") {
    const test::TemporaryFolder folder;
    CHECK(tls::hint_about(folder.file("missing"), Pem::key).empty());
    CHECK(tls::hint_about(folder.file("."), Pem::key).empty());
}
