// Groups that this OpenSSL lacks: an error that names them if the configuration lists them; left
// out, with a note, if a profile does.
#include "tests/support/catch.h"
#include "tests/unit/tls/openssl_peer.h"
#include "tls/groups.h"

using namespace pgmoat;
using Names = std::vector<std::string>;

TEST_CASE("unknown groups are named, whatever OpenSSL 3.5 allows before and between names") {
    CHECK(tls::unknown_groups("X25519:prime256v1") == Names{});
    CHECK(tls::unknown_groups("X25519:nonsense:P-384:bogus:nonsense") ==
          Names{"nonsense", "bogus"});
    CHECK(tls::unknown_groups("?nonsense/*X25519:-bogus") == Names{"nonsense", "bogus"});
    CHECK(tls::unknown_groups("") == Names{});
    CHECK(tls::known_groups("nonsense:X25519:bogus:P-384") == "X25519:P-384");
    CHECK(test::error_queue_is_empty());
}

TEST_CASE("a configured group that the library lacks is an error that names it") {
    const test::CertificateFolder certificates;
    tls::ServerSettings settings = certificates.server_settings();
    settings.groups = "nonsense:X25519";
    try {
        (void)tls::ServerContext::load(settings);
        FAIL("loaded");
    } catch (const tls::Error& error) {
        CHECK(std::string(error.what())
                  .starts_with("could not set group names specified in ssl_groups: "));
        CHECK(error.detail == "Not known to this version of OpenSSL: \"nonsense\".");
    }
}

TEST_CASE("a group of a profile that the library lacks is left out, with a note") {
    const test::CertificateFolder certificates;
    tls::ServerSettings settings = certificates.server_settings();
    settings.groups = "nonsense:P-384";
    settings.groups_are_of_a_profile = true;
    const auto context = tls::ServerContext::load(settings);
    CHECK(context->notes() ==
          Names{"ssl_profile: this version of OpenSSL does not know \"nonsense\""});
    test::Endpoint server(*context);
    test::ForeignClient client({});
    REQUIRE(client.shake_hands(server));
    CHECK(server.session.facts().group == "secp384r1");
}

TEST_CASE("X25519MLKEM768 is agreed on where the library has it, and refused by name elsewhere") {
    const test::CertificateFolder certificates;
    tls::ServerSettings settings = certificates.server_settings();
    settings.groups = "X25519MLKEM768:X25519";
    if (!tls::unknown_groups("X25519MLKEM768").empty()) {
        CHECK_THROWS_AS(tls::ServerContext::load(settings), tls::Error);
        return;
    }
    test::Endpoint server(*tls::ServerContext::load(settings));
    test::ForeignClientSettings offer;
    offer.groups = "X25519MLKEM768:X25519";
    test::ForeignClient client(offer);
    REQUIRE(client.shake_hands(server));
    CHECK(server.session.facts().group == "X25519MLKEM768");
}
