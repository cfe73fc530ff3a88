#include "tests/support/catch.h"
#include "tests/support/tls_pair.h"

using namespace pgmoat;

TEST_CASE("two sessions agree and exchange text both ways") {
    const test::CertificateFolder certificates;
    test::TlsPair pair(certificates.server_settings(), certificates.client_settings());

    REQUIRE(pair.shake_hands());
    REQUIRE(pair.client.send("question") == tls::Status::ok);
    test::deliver(pair.client, pair.server);
    CHECK(pair.server.receive() == "question");
    REQUIRE(pair.server.send("answer") == tls::Status::ok);
    test::deliver(pair.server, pair.client);
    CHECK(pair.client.receive() == "answer");
}
