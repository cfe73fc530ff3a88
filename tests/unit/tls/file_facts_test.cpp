// Validity of certificate files and revocation lists; nothing if there is no valid file.
#include "tests/support/catch.h"
#include "tests/unit/tls/openssl_peer.h"
#include "tls/file_facts.h"
#include "tls/inspect.h"

#include <ctime>
#include <fstream>
#include <sstream>

using namespace pgmoat;

namespace {

constexpr std::int64_t day = 86'400;

std::string contents(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

// Two CAs in one file, of which the second expires first.
void write_bundle(const test::TemporaryFolder& folder) {
    for (const auto& [name, days] : {std::pair{"long", 300}, std::pair{"short", 30}}) {
        tls::CertificateRequest request;
        request.kind = tls::CertificateKind::authority;
        request.common_name = name;
        request.days = days;
        tls::issue_certificate(
            request, folder.file(name), folder.file(name + std::string("k")), false);
    }
    std::ofstream(folder.file("bundle"))
        << contents(folder.file("long")) << contents(folder.file("short"));
}

} // namespace

TEST_CASE("a certificate file tells whose it is and how long") {
    const test::TemporaryFolder folder;
    tls::CertificateRequest request;
    request.common_name = "db.example.com";
    request.days = 10;
    tls::issue_certificate(request, folder.file("c"), folder.file("k"), false);

    const auto facts = tls::read_certificate_file(folder.file("c"), tls::WhichCertificate::leaf);
    REQUIRE(facts);
    CHECK(facts->subject_cn == "db.example.com");
    CHECK(facts->issuer_cn == "db.example.com");
    CHECK(facts->key_type == "EC-256");
    CHECK(facts->signature_algorithm == "ecdsa-with-SHA256");
    CHECK(facts->serial.find_first_not_of("0123456789") == std::string::npos);
    const std::int64_t now = std::time(nullptr);
    CHECK(facts->not_before <= now);
    CHECK(facts->not_after > now + 9 * day);
    CHECK(facts->not_after < now + 11 * day);
}

TEST_CASE("of a bundle the leaf is the first, and the first to expire can be asked for") {
    const test::TemporaryFolder folder;
    write_bundle(folder);
    const std::string bundle = folder.file("bundle");
    CHECK(tls::read_certificate_file(bundle, tls::WhichCertificate::leaf)->subject_cn == "long");
    CHECK(tls::read_certificate_file(bundle, tls::WhichCertificate::first_to_expire)->subject_cn ==
          "short");
}

TEST_CASE("a server's context tells of its file of authorities which expires first") {
    const test::CertificateFolder certificates;
    const test::TemporaryFolder folder;
    write_bundle(folder);
    tls::ServerSettings settings = certificates.server_settings();
    CHECK(tls::ServerContext::load(settings)->authorities().empty());

    settings.ca_file = folder.file("bundle");
    const auto context = tls::ServerContext::load(settings);
    REQUIRE(context->authorities().size() == 1);
    CHECK(context->authorities()[0].file == settings.ca_file);
    CHECK(context->authorities()[0].subject_cn == "short");
}

TEST_CASE("a revocation list tells when it is to be replaced") {
    const test::CertificateFolder certificates;
    certificates.issue("revoked", certificates.client_request("mallory"));
    test::write_revocation_list(certificates, certificates.file("root.crl"), {"revoked"});
    const auto next_update = tls::read_next_update(certificates.file("root.crl"));
    REQUIRE(next_update);
    CHECK(*next_update > std::time(nullptr));
    CHECK(test::error_queue_is_empty());
}

TEST_CASE("other files give nothing, and leave no error in the queue") {
    const test::TemporaryFolder folder;
    std::ofstream(folder.file("text")) << "-----BEGIN CERTIFICATE-----\nbroken\n";
    for (const std::string& file :
         {folder.file("missing"), folder.file("text"), std::string("/")}) {
        INFO(file);
        CHECK_FALSE(tls::read_certificate_file(file, tls::WhichCertificate::leaf));
        CHECK_FALSE(tls::read_certificate_file(file, tls::WhichCertificate::first_to_expire));
        CHECK_FALSE(tls::read_next_update(file));
        CHECK(test::error_queue_is_empty());
    }
}

TEST_CASE("of a folder of lists only the files that OpenSSL looks up are inspected, each once") {
    const test::CertificateFolder certificates;
    const std::string folder = certificates.file("lists");
    test::write_revocation_folder(certificates, folder, {});
    test::write_revocation_list(certificates, folder + "/old.pem", {}, "root", -2);
    std::ofstream(folder + "/README.r0") << "no list";
    std::ofstream(folder + "/0a1b2c3d.rx") << "no list";
    const auto lists = tls::inspect_lists("", folder);
    REQUIRE(lists.size() == 1);
    CHECK(lists[0].file.ends_with(".r0"));
    CHECK(lists[0].issuer == "/CN=Test authority root");
}
