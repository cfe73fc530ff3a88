// Suggestions for mistyped names: similar names are found, others are not suggested.
#include "proxy/config/did_you_mean.h"
#include "tests/support/catch.h"

#include <string>
#include <vector>

using namespace pgmoat;

TEST_CASE("a mistyped name is recognised, and nothing else is") {
    const std::vector<std::string_view> known{
        "port", "listen_addresses", "ssl_cert_file", "ssl_key_file", "hba_file"};
    CHECK(config::did_you_mean("prot", known) == "Did you mean \"port\"?");
    CHECK(config::did_you_mean("listen_adresses", known) == "Did you mean \"listen_addresses\"?");
    CHECK(config::did_you_mean("SSL_CERT_FIEL", known) == "Did you mean \"ssl_cert_file\"?");
    CHECK(config::did_you_mean("ssl_key", known).empty());
    CHECK(config::did_you_mean("nonsense", known).empty());
    CHECK(config::did_you_mean("", known).empty());
    CHECK(config::did_you_mean(std::string(1000, 'x'), known).empty());
}
