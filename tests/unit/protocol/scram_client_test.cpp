// The client's role against RFC 7677's example, and what a hostile server may send.
#include "protocol/base64.h"
#include "protocol/limits.h"
#include "protocol/scram_client.h"
#include "tests/support/catch.h"
#include "tests/support/scram_exchange.h"

#include <string>

namespace pgmoat::tests {
namespace {

using namespace protocol;

// The client of RFC 7677's example, except that the user name is empty as in libpq.
ScramClient client(ScramBinding binding = {}) {
    return {digests(), Rfc7677::client_nonce, std::move(binding)};
}

std::string complaint_about(std::string_view challenge) {
    ScramClient scram = client();
    return scram.take_challenge(bytes_of(challenge));
}

TEST_CASE("a client with RFC 7677's ClientKey convinces a server that has its secret") {
    const ScramSecret secret = parse_scram_secret(Rfc7677::secret).value();
    const ScramDigest key = tls::derive_scram_keys("pencil", secret.salt, 4096).client;
    const Bytes end_point(48, 0xee);
    for (const bool bound : {false, true}) {
        ScramClient scram = client(bound ? ScramBinding::to_end_point(end_point) : ScramBinding{});
        ScramServer server(digests(), Rfc7677::server_nonce, end_point);
        REQUIRE_FALSE(server.begin(scram.mechanism()));
        REQUIRE_FALSE(server.take_first(bytes_of(scram.first())));
        CHECK(scram.take_challenge(bytes_of(server.challenge(secret.salt, 4096))).empty());
        CHECK(scram.salt() == secret.salt);
        CHECK(scram.iterations() == 4096);
        REQUIRE_FALSE(server.take_final(bytes_of(scram.prove(key, secret.stored_key))));
        ScramDigest recovered{};
        CHECK(server.proves(secret.stored_key, recovered));
        CHECK(recovered == key);
        CHECK(server.is_bound() == bound);

        const std::string signature = server.signature(secret.server_key);
        CHECK(scram.is_signed(bytes_of(signature), secret.server_key));
        for (std::size_t size = 0; size < signature.size(); ++size)
            CHECK_FALSE(scram.is_signed(bytes_of(signature.substr(0, size)), secret.server_key));
        for (const std::string& forged : {"e=other-error" + std::string(),
                                          signature + ",x=1",
                                          "v=" + encode_base64(Bytes(32, 0)),
                                          signature + std::string(2000, 'A')})
            CHECK_FALSE(scram.is_signed(bytes_of(forged), secret.server_key));
    }
}

TEST_CASE("what proves nothing looks like a proof and convinces no server") {
    const ScramSecret secret = parse_scram_secret(Rfc7677::secret).value();
    ScramClient scram = client();
    ScramServer server(digests(), "ours");
    REQUIRE_FALSE(server.begin(scram.mechanism()));
    REQUIRE_FALSE(server.take_first(bytes_of(scram.first())));
    REQUIRE(scram.take_challenge(bytes_of(server.challenge(secret.salt, 4096))).empty());
    REQUIRE_FALSE(server.take_final(bytes_of(scram.prove_nothing(ScramDigest{1, 2, 3}))));
    ScramDigest recovered{};
    CHECK_FALSE(server.proves(secret.stored_key, recovered));
}

TEST_CASE("the gs2 header is libpq's") {
    CHECK(client().first() == "n,,n=,r=rOprNGfwEbeRWgbNEkqO");
    CHECK(client({"y,,", {}}).first() == "y,,n=,r=rOprNGfwEbeRWgbNEkqO");
    CHECK(client(ScramBinding::to_end_point({1})).first() ==
          "p=tls-server-end-point,,n=,r=rOprNGfwEbeRWgbNEkqO");
}

TEST_CASE("a hostile server's challenge is refused") {
    const std::string good = Rfc7677::server_first;
    REQUIRE(complaint_about(good).empty());
    for (const std::string& challenge :
         {std::string(),
          std::string("\0", 1),
          replaced(good, "r=rOpr", "r=xOpr"),                            // not our nonce
          std::string("r=rOprNGfwEbeRWgbNEkqO,s=W22Z,i=4096"),           // the server adds nothing
          replaced(good, "k0,s=", "k0" + std::string(300, 'x') + ",s="), // a long nonce
          "r=" + std::string(1'000'000, 'x'),
          replaced(good, "k0,s=", "k\x01,s="),
          replaced(good, "i=4096", "i=0"),
          replaced(good, "i=4096", "i=-1"),
          replaced(good, "i=4096", "i=2147483647"),
          replaced(good, "i=4096", "i=99999999999999999999"),
          replaced(good, "i=4096", "i=4096x"),
          replaced(good, "i=4096", "i="),
          replaced(good, ",i=4096", ""),
          replaced(good, ",s=W22ZaJ0SNY7soEsUEjb6gQ==", ""),
          replaced(good, "W22ZaJ0SNY7soEsUEjb6gQ==", ""),
          replaced(good, "W22ZaJ0SNY7soEsUEjb6gQ==", "!!!!"),
          replaced(good, "W22ZaJ0SNY7soEsUEjb6gQ==", std::string(400, 'A')), // 300 bytes
          good + ",i=4096",
          good + ",x=ext",
          "m=ext," + good}) {
        INFO(challenge.substr(0, 80));
        CHECK_FALSE(complaint_about(challenge).empty());
    }
}

TEST_CASE("a challenge that is cut anywhere is refused, but within its last number") {
    const std::string good = Rfc7677::server_first;
    for (std::size_t size = 0; size <= good.find("i=") + 1; ++size)
        CHECK_FALSE(complaint_about(good.substr(0, size)).empty());
}

} // namespace
} // namespace pgmoat::tests
