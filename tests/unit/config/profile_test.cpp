// ssl_profile: its defaults for the individual settings.
#include "proxy/config/config.h"
#include "tests/support/catch.h"
#include "tests/unit/config/memory_files.h"

using namespace pgmoat;
using namespace pgmoat::config;

namespace {

tls::ServerSettings load(const std::string& text) {
    return load_config("x.conf", MemoryFiles("x.conf", "upstream = 'host=/run'\n" + text)).tls;
}

} // namespace

TEST_CASE("without a profile the defaults are PostgreSQL's") {
    const tls::ServerSettings settings = load("");
    CHECK(settings.ciphers == tls::ServerSettings().ciphers);
    CHECK_FALSE(settings.groups_are_of_a_profile);
}

TEST_CASE("modern is TLS 1.3 alone, intermediate has TLS 1.2 with forward secrecy and AEAD") {
    CHECK(load("ssl_profile = Modern").min_protocol_version == "TLSv1.3");
    const tls::ServerSettings settings = load("ssl_profile = intermediate");
    CHECK(settings.min_protocol_version == "TLSv1.2");
    CHECK(settings.ciphers.find("ECDHE-ECDSA-AES128-GCM-SHA256") == 0);
    CHECK(settings.ciphers.find(":DHE") == std::string::npos);
    CHECK(settings.groups == "X25519MLKEM768:X25519:prime256v1:secp384r1");
    CHECK(settings.groups_are_of_a_profile);
    CHECK_FALSE(settings.prefer_server_ciphers);
}

TEST_CASE("a setting overrides the profile, wherever it is in the file") {
    const tls::ServerSettings settings =
        load("ssl_min_protocol_version = 'TLSv1.2'\nssl_ecdh_curve = 'prime256v1'\n"
             "ssl_profile = modern\nssl_prefer_server_ciphers = on\nssl_ciphers = HIGH");
    CHECK(settings.min_protocol_version == "TLSv1.2");
    CHECK(settings.groups == "prime256v1");
    CHECK_FALSE(settings.groups_are_of_a_profile);
    CHECK(settings.ciphers == "HIGH");
    CHECK(settings.prefer_server_ciphers);
}

TEST_CASE("another profile is refused") {
    CHECK_THROWS_AS(load("ssl_profile = old"), ConfigError);
}
