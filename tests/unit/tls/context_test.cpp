// Invalid settings are refused when the context is built, with PostgreSQL's and libpq's texts.
// OpenSSL's part after the colon depends on its version, and is only required to be there.
#include "tests/support/catch.h"
#include "tests/unit/tls/openssl_peer.h"

#include <sys/stat.h>

#include <fstream>

using namespace pgmoat;
using test::CertificateFolder;

namespace {

void write(const std::string& path, const std::string& text) {
    std::ofstream(path) << text;
}

struct Complaint {
    std::string message;
    std::string detail;
    std::string hint;
};

template <class Context, class Settings>
Complaint complaint(const Settings& settings) {
    try {
        (void)Context::load(settings);
    } catch (const tls::Error& error) {
        CHECK(test::error_queue_is_empty());
        return {error.what(), error.detail, error.hint};
    }
    return {"no complaint", "", ""};
}

Complaint server_complaint(const tls::ServerSettings& settings) {
    return complaint<tls::ServerContext>(settings);
}
Complaint client_complaint(const tls::ClientSettings& settings) {
    return complaint<tls::ClientContext>(settings);
}

// Begins with `prefix` and continues.
bool says(const std::string& message, const std::string& prefix) {
    return message.starts_with(prefix) && message.size() > prefix.size();
}

} // namespace

TEST_CASE("a server's bad files are named") {
    const CertificateFolder certificates;
    const std::string junk = certificates.file("junk");
    const std::string nowhere = certificates.file("nowhere");
    write(junk, "this is no PEM\n");
    REQUIRE(chmod(junk.c_str(), 0600) == 0);
    struct Case {
        std::string& (*setting)(tls::ServerSettings&);
        std::string value;
        std::string text;
    };
    constexpr auto certificate_file = [](tls::ServerSettings& settings) -> std::string& {
        return settings.pairs[0].certificate_file;
    };
    constexpr auto key_file = [](tls::ServerSettings& settings) -> std::string& {
        return settings.pairs[0].key_file;
    };
    constexpr auto ca_file = [](tls::ServerSettings& settings) -> std::string& {
        return settings.ca_file;
    };
    constexpr auto crl_file = [](tls::ServerSettings& settings) -> std::string& {
        return settings.crl_file;
    };
    const Case cases[] = {
        {certificate_file,
         nowhere,
         "could not load server certificate file \"" + nowhere + "\": No such file"},
        {certificate_file, junk, "could not load server certificate file \"" + junk + "\": "},
        {key_file, junk, "could not load private key file \"" + junk + "\": "},
        {ca_file,
         nowhere,
         "could not load root certificate file \"" + nowhere + "\": No such file"},
        {ca_file, junk, "could not load root certificate file \"" + junk + "\": "},
        {crl_file,
         nowhere,
         "could not load SSL certificate revocation list file \"" + nowhere + "\": No such file"},
        {crl_file, junk, "could not load SSL certificate revocation list file \"" + junk + "\": "},
    };
    for (const Case& each : cases) {
        tls::ServerSettings settings = certificates.server_settings();
        each.setting(settings) = each.value;
        const std::string message = server_complaint(settings).message;
        INFO(message);
        CHECK(says(message, each.text));
    }
}

TEST_CASE("a CA file without a certificate is an error, also when it holds a revocation list") {
    const CertificateFolder certificates;
    const std::string empty = certificates.file("empty.crt");
    write(empty, "");
    const std::string list = certificates.file("list.crt");
    test::write_revocation_list(certificates, list, {});
    for (const std::string& file : {empty, list}) {
        tls::ServerSettings server = certificates.server_settings();
        server.ca_file = file;
        CHECK(says(server_complaint(server).message,
                   "could not load root certificate file \"" + file + "\": "));
        tls::ClientSettings client = certificates.client_settings();
        client.root_certificate_file = file;
        CHECK(says(client_complaint(client).message,
                   "could not read root certificate file \"" + file + "\": "));
    }
}

TEST_CASE("a key of another certificate is refused") {
    const CertificateFolder certificates;
    tls::ServerSettings server = certificates.server_settings();
    server.pairs[0].key_file = certificates.key("client");
    // OpenSSL notices it while loading the key or in the check afterwards.
    const std::string message = server_complaint(server).message;
    INFO(message);
    CHECK(
        (says(message, "check of private key failed: ") ||
         says(message, "could not load private key file \"" + server.pairs[0].key_file + "\": ")));

    tls::ClientSettings client = certificates.client_settings_with_certificate();
    client.key_file = certificates.key("server");
    CHECK(client_complaint(client).message != "no complaint");
}

TEST_CASE("a client's encrypted key opens with sslpassword only") {
    const CertificateFolder certificates;
    tls::ClientSettings settings = certificates.client_settings_with_certificate();
    settings.key_file = certificates.file("encrypted.key");
    test::write_encrypted_key(certificates, "client", settings.key_file, "secret");
    const std::string refusal = "could not load private key file \"" + settings.key_file + "\": ";

    CHECK(says(client_complaint(settings).message, refusal));
    settings.key_password = "guess";
    CHECK(says(client_complaint(settings).message, refusal));
    settings.key_password = "secret";
    CHECK(client_complaint(settings).message == "no complaint");
}

TEST_CASE("bad ciphers, groups and versions are refused in PostgreSQL's words") {
    const CertificateFolder certificates;
    struct Case {
        std::string tls::ServerSettings::*setting;
        const char* value;
        const char* message;
        const char* detail;
        const char* hint;
    };
    constexpr const char* versions = "Available values: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3.";
    constexpr const char* groups =
        "Ensure that each group name is spelled correctly and supported by the installed version "
        "of OpenSSL.";
    const Case cases[] = {
        {&tls::ServerSettings::ciphers,
         "bogus",
         "could not set the TLSv1.2 cipher list (no valid ciphers available)",
         "",
         ""},
        {&tls::ServerSettings::ciphers,
         "",
         "could not set the TLSv1.2 cipher list (no valid ciphers available)",
         "",
         ""},
        {&tls::ServerSettings::tls13_ciphers,
         "bogus",
         "could not set the TLSv1.3 cipher suites (no valid ciphers available)",
         "",
         ""},
        {&tls::ServerSettings::groups,
         "bogus",
         "could not set group names specified in ssl_groups: ",
         "Not known to this version of OpenSSL: \"bogus\".",
         groups},
        {&tls::ServerSettings::groups,
         "X25519:bogus",
         "could not set group names specified in ssl_groups: ",
         "Not known to this version of OpenSSL: \"bogus\".",
         groups},
        {&tls::ServerSettings::groups,
         "",
         "could not set group names specified in ssl_groups: ",
         "",
         groups},
        {&tls::ServerSettings::min_protocol_version,
         "SSLv3",
         "invalid value for parameter \"ssl_min_protocol_version\": \"SSLv3\"",
         "",
         versions},
        {&tls::ServerSettings::min_protocol_version,
         "",
         "invalid value for parameter \"ssl_min_protocol_version\": \"\"",
         "",
         versions},
        {&tls::ServerSettings::max_protocol_version,
         "1.3",
         "invalid value for parameter \"ssl_max_protocol_version\": \"1.3\"",
         "",
         versions},
        {&tls::ServerSettings::max_protocol_version,
         "TLSv1.1",
         "could not set SSL protocol version range",
         "\"ssl_min_protocol_version\" cannot be higher than \"ssl_max_protocol_version\"",
         ""},
    };
    for (const Case& each : cases) {
        tls::ServerSettings settings = certificates.server_settings();
        settings.*each.setting = each.value;
        const Complaint got = server_complaint(settings);
        INFO(got.message);
        CHECK(got.message.starts_with(each.message));
        CHECK(got.detail == each.detail);
        CHECK(got.hint == each.hint);
    }
}

TEST_CASE("version names are taken in any letter case") {
    const CertificateFolder certificates;
    tls::ServerSettings settings = certificates.server_settings();
    settings.min_protocol_version = "tlsv1.2";
    settings.max_protocol_version = "TLSV1.3";
    CHECK(server_complaint(settings).message == "no complaint");
}

TEST_CASE("a client's bad settings are refused in libpq's words") {
    const CertificateFolder certificates;
    const std::string nowhere = certificates.file("nowhere");
    struct Case {
        std::string tls::ClientSettings::*setting;
        std::string value;
        std::string message;
    };
    const Case cases[] = {
        {&tls::ClientSettings::root_certificate_file,
         nowhere,
         "root certificate file \"" + nowhere + "\" does not exist"},
        {&tls::ClientSettings::root_certificate_file, "", "no root certificate file is given"},
        {&tls::ClientSettings::certificate_file,
         nowhere,
         "could not read certificate file \"" + nowhere + "\": No such file or directory"},
        {&tls::ClientSettings::crl_file,
         nowhere,
         "could not load SSL certificate revocation list file \"" + nowhere +
             "\": No such file or directory"},
        {&tls::ClientSettings::min_protocol_version,
         "SSLv3",
         "invalid value \"SSLv3\" for minimum SSL protocol version"},
        {&tls::ClientSettings::max_protocol_version,
         "SSLv3",
         "invalid value \"SSLv3\" for maximum SSL protocol version"},
        {&tls::ClientSettings::max_protocol_version,
         "TLSv1.1",
         "invalid SSL protocol version range"},
    };
    for (const Case& each : cases) {
        tls::ClientSettings settings = certificates.verifying_client_settings(tls::Verify::chain);
        settings.*each.setting = each.value;
        CHECK(client_complaint(settings).message == each.message);
    }
}

TEST_CASE("a missing root file comes with libpq's advice") {
    const CertificateFolder certificates;
    tls::ClientSettings settings =
        certificates.verifying_client_settings(tls::Verify::chain_and_name);
    settings.root_certificate_file = certificates.file("nowhere");
    CHECK(client_complaint(settings).hint ==
          "Either provide the file, use the system's trusted roots with sslrootcert=system, or "
          "change sslmode to disable server certificate verification.");
}

TEST_CASE("a server context describes the certificate that it shows") {
    const CertificateFolder certificates;
    const auto own = tls::ServerContext::load(certificates.server_settings())->certificates().at(0);
    CHECK(own.subject == "/CN=db.example.com");
    CHECK(own.leaf_sha256.size() == 64);
    CHECK(own.not_after - own.not_before == 365 * 86400);
    CHECK(own.has_channel_binding_digest);
    CHECK(own.has_subject_alternative_name);
}

TEST_CASE("a certificate signed with Ed25519 has no digest for channel binding") {
    const CertificateFolder certificates;
    tls::CertificateRequest request = certificates.server_request("db.example.com");
    request.key_type = tls::KeyType::ed25519;
    request.issuer_certificate_file.clear();
    certificates.issue("ed25519", request);

    const auto own =
        tls::ServerContext::load(certificates.server_settings("ed25519"))->certificates().at(0);
    CHECK_FALSE(own.has_channel_binding_digest);
}

TEST_CASE("a failed load leaves no context behind and the next one works") {
    const CertificateFolder certificates;
    tls::ServerSettings settings = certificates.server_settings();
    settings.groups = "bogus";
    for (int i = 0; i < 3; ++i)
        CHECK(server_complaint(settings).message != "no complaint");
    settings.groups = "X25519";
    CHECK(server_complaint(settings).message == "no complaint");
}
