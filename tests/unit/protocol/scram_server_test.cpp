// The server's role against RFC 7677's example, and the errors a client may make, in PostgreSQL's
// words.
#include "protocol/base64.h"
#include "protocol/scram_server.h"
#include "tests/support/catch.h"
#include "tests/support/scram_exchange.h"

#include <string>
#include <vector>

namespace pgmoat::tests {
namespace {

using namespace protocol;
using Fault = ScramServer::Fault;

const Bytes end_point(32, 0xee);
const std::string bound_first = "p=tls-server-end-point,,n=,r=abc";

ScramSecret pencil() {
    return parse_scram_secret(Rfc7677::secret).value();
}

// Runs up to client-first. PLUS is offered if there is an end point.
Fault first_of(std::string_view mechanism, std::string_view message, const Bytes& bound_to = {}) {
    ScramServer scram(digests(), Rfc7677::server_nonce, bound_to);
    if (Fault fault = scram.begin(mechanism)) return fault;
    return scram.take_first(bytes_of(message));
}

Fault final_of(std::string_view message) {
    ScramServer scram(digests(), Rfc7677::server_nonce);
    REQUIRE_FALSE(scram.begin(scram_mechanism));
    REQUIRE_FALSE(scram.take_first(bytes_of(Rfc7677::client_first)));
    (void)scram.challenge(pencil().salt, pencil().iterations);
    return scram.take_final(bytes_of(message));
}

Fault malformed(std::string detail) {
    return malformed_scram(std::move(detail));
}

TEST_CASE("RFC 7677's client proves its password, and the server its own") {
    ScramServer scram(digests(), Rfc7677::server_nonce);
    CHECK(scram.mechanisms() == std::vector<std::string_view>{"SCRAM-SHA-256"});
    REQUIRE_FALSE(scram.begin("SCRAM-SHA-256"));
    REQUIRE_FALSE(scram.take_first(bytes_of(Rfc7677::client_first)));
    CHECK(scram.challenge(pencil().salt, pencil().iterations) == Rfc7677::server_first);
    REQUIRE_FALSE(scram.take_final(bytes_of(Rfc7677::client_final)));
    ScramDigest client_key{};
    REQUIRE(scram.proves(pencil().stored_key, client_key));
    CHECK(digests().sha256(client_key) == pencil().stored_key);
    CHECK(client_key == tls::derive_scram_keys("pencil", pencil().salt, 4096).client);
    CHECK(scram.signature(pencil().server_key) == Rfc7677::server_final);
    CHECK_FALSE(scram.is_bound());
}

TEST_CASE("a proof of another password is wrong") {
    ScramServer scram(digests(), Rfc7677::server_nonce);
    REQUIRE_FALSE(scram.begin(scram_mechanism));
    REQUIRE_FALSE(scram.take_first(bytes_of(Rfc7677::client_first)));
    (void)scram.challenge(pencil().salt, pencil().iterations);
    REQUIRE_FALSE(scram.take_final(bytes_of(replaced(Rfc7677::client_final, "p=dHzb", "p=eHzb"))));
    ScramDigest client_key{};
    CHECK_FALSE(scram.proves(pencil().stored_key, client_key));
}

TEST_CASE("PLUS is offered where there is something to bind to, and binds") {
    for (const std::size_t size : {32U, 48U, 64U}) { // SHA-256, SHA-384, SHA-512
        const Bytes digest(size, 0xee);
        ScramServer scram(digests(), "ours", digest);
        CHECK(scram.mechanisms() ==
              std::vector<std::string_view>{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"});
        REQUIRE_FALSE(scram.begin("SCRAM-SHA-256-PLUS"));
        REQUIRE_FALSE(scram.take_first(bytes_of(bound_first)));
        (void)scram.challenge(pencil().salt, 4096);
        const std::string binding = encode_base64(bytes_of("p=tls-server-end-point,,") + digest);
        const std::string proof = encode_base64(Bytes(32, 1));
        CHECK_FALSE(scram.take_final(bytes_of("c=" + binding + ",r=abcours,p=" + proof)));
        CHECK(scram.is_bound());
    }
}

TEST_CASE("a login that is bound to another certificate fails, and so does an unbound one") {
    const Bytes other(32, 0xaa);
    for (const std::string& binding : {encode_base64(bytes_of("p=tls-server-end-point,,") + other),
                                       encode_base64(bytes_of("p=tls-server-end-point,,")),
                                       std::string("biws"),
                                       std::string("eSws"),
                                       std::string()}) {
        INFO(binding);
        ScramServer scram(digests(), "ours", end_point);
        REQUIRE_FALSE(scram.begin(scram_plus_mechanism));
        REQUIRE_FALSE(scram.take_first(bytes_of(bound_first)));
        (void)scram.challenge(pencil().salt, 4096);
        const std::string proof = encode_base64(Bytes(32, 1));
        CHECK(scram.take_final(bytes_of("c=" + binding + ",r=abcours,p=" + proof)) ==
              ScramFault{"28000", "SCRAM channel binding check failed", ""});
    }
}

TEST_CASE("a flag is taken or refused as PostgreSQL takes or refuses it") {
    const std::string n = "n,,n=,r=abc";
    const std::string y = "y,,n=,r=abc";
    CHECK_FALSE(first_of(scram_mechanism, n));
    CHECK_FALSE(first_of(scram_mechanism, y));
    CHECK_FALSE(first_of(scram_mechanism, n, end_point));
    CHECK_FALSE(first_of(scram_plus_mechanism, bound_first, end_point));
    CHECK(first_of(scram_mechanism, y, end_point) ==
          ScramFault{"28000",
                     "SCRAM channel binding negotiation error",
                     "The client supports SCRAM channel binding but thinks the server does not.  "
                     "However, this server does support channel binding."});
    CHECK(first_of(scram_mechanism, bound_first, end_point) ==
          malformed("The client selected SCRAM-SHA-256 without channel binding, but the SCRAM "
                    "message includes channel binding data."));
    for (const std::string& unbound : {n, y})
        CHECK(first_of(scram_plus_mechanism, unbound, end_point) ==
              malformed("The client selected SCRAM-SHA-256-PLUS, but the SCRAM message does not "
                        "include channel binding data."));
    CHECK(first_of(scram_plus_mechanism, "p=tls-unique,,n=,r=abc", end_point) ==
          ScramFault{"08P01", "unsupported SCRAM channel-binding type \"tls-unique\"", ""});
    for (const char* mechanism : {"SCRAM-SHA-256-PLUS", "SCRAM-SHA-1", "", "SCRAM-SHA-256 "})
        CHECK(first_of(mechanism, n) ==
              ScramFault{"08P01", "client selected an invalid SASL authentication mechanism", ""});
}

TEST_CASE("a malformed first message ends the exchange with PostgreSQL's words") {
    struct Case {
        std::string message;
        Fault fault;
    };
    const ScramFault authorization{
        "0A000", "client uses authorization identity, but it is not supported", ""};
    const ScramFault extension{"0A000", "client requires an unsupported SCRAM extension", ""};
    const ScramFault nonce{"08P01", "non-printable characters in SCRAM nonce", ""};
    for (const auto& [message, fault] : {
             Case{"", malformed("The message is empty.")},
             Case{std::string("n,,n=,r=a\0", 10),
                  malformed("Message length does not match input length.")},
             Case{"x,,n=,r=abc", malformed("Unexpected channel-binding flag \"'x'\".")},
             Case{"\xff", malformed("Unexpected channel-binding flag \"0xff\".")},
             Case{"n", malformed("Comma expected, but found character \"0x00\".")},
             Case{"n;,n=,r=abc", malformed("Comma expected, but found character \"';'\".")},
             Case{"n,a=other,n=,r=abc", authorization},
             Case{"n,b,n=,r=abc",
                  malformed("Unexpected attribute \"'b'\" in client-first-message.")},
             Case{"n,,m=ext,n=,r=abc", extension},
             Case{"n,,r=abc", malformed("Expected attribute \"n\" but found \"'r'\".")},
             Case{"n,,n=user", malformed("Expected attribute \"r\" but found \"0x00\".")},
             Case{"n,,n", malformed("Expected character \"=\" for attribute \"n\".")},
             Case{"n,,n=,r=a b", nonce},
             Case{"n,,n=,r=a\x7f", nonce},
             Case{"n,,n=,r=abc,1=x",
                  malformed("Attribute expected, but found invalid character \"'1'\".")},
             Case{"n,,n=,r=abc,x", malformed("Expected character \"=\" for attribute \"x\".")},
         }) {
        INFO(message);
        CHECK(first_of(scram_mechanism, message) == fault);
    }
    CHECK_FALSE(first_of(scram_mechanism, "n,,n=ignored,r=abc,x=ext,y="));
}

TEST_CASE("a malformed last message ends the exchange with PostgreSQL's words") {
    const std::string good = Rfc7677::client_final;
    const ScramFault binding{
        "08P01", "unexpected SCRAM channel-binding attribute in client-final-message", ""};
    struct Case {
        std::string message;
        Fault fault;
    };
    for (const auto& [message, fault] : {
             Case{"", malformed("The message is empty.")},
             Case{replaced(good, "c=biws", "c=eSws"), binding}, // "y,,"
             Case{replaced(good, "c=biws", "c="), binding},
             Case{replaced(good, "c=biws,", ""),
                  malformed("Expected attribute \"c\" but found \"'r'\".")},
             Case{replaced(good, "k0,p", "k1,p"),
                  ScramFault{"08P01", "invalid SCRAM response", "Nonce does not match."}},
             Case{replaced(good, ",p=", ",q="),
                  malformed("Attribute expected, but found end of string.")},
             Case{replaced(good, "p=dHzb", "p=!"),
                  malformed("Malformed proof in client-final-message.")},
             Case{replaced(good, "p=dHzb", "p="),
                  malformed("Malformed proof in client-final-message.")},
             Case{good + ",x=more", malformed("Garbage found at the end of client-final-message.")},
         }) {
        INFO(message);
        CHECK(final_of(message) == fault);
    }
    CHECK_FALSE(final_of(replaced(good, ",p=", ",x=ext,p=")));
}

TEST_CASE("a message that is cut anywhere is a fault, never a proof") {
    const std::string first = Rfc7677::client_first;
    for (std::size_t size = 0; size < first.find("r="); ++size)
        CHECK(first_of(scram_mechanism, first.substr(0, size)));
    const std::string last = Rfc7677::client_final;
    for (std::size_t size = 0; size < last.size(); ++size)
        CHECK(final_of(last.substr(0, size)));
}

TEST_CASE("a user that does not exist has the same salt at each login, and another than others") {
    const ScramDigest key{1, 2, 3};
    const ScramSecret once = mock_scram_secret(digests(), key, "nobody", 4096);
    CHECK(once.salt == mock_scram_secret(digests(), key, "nobody", 4096).salt);
    CHECK(once.salt != mock_scram_secret(digests(), key, "noone", 4096).salt);
    CHECK(once.salt.size() == pencil().salt.size());
    CHECK(once.iterations == 4096);
}

TEST_CASE("only PostgreSQL's SCRAM secrets are accepted") {
    const std::string good = Rfc7677::secret;
    for (const std::string& text : {std::string(),
                                    std::string("md5a3556571e93b0d20722ba62be61e8c2d"),
                                    replaced(good, "SHA-256", "SHA-512"),
                                    replaced(good, "4096", "0"),
                                    replaced(good, "4096", "99999999"),
                                    replaced(good, "4096", "-1"),
                                    replaced(good, "W22ZaJ0SNY7soEsUEjb6gQ==", ""),
                                    replaced(good, "W22Z", "W22"),
                                    replaced(good, "WG5d", ""),
                                    good + "AAAA"}) {
        INFO(text);
        CHECK_FALSE(parse_scram_secret(text));
    }
    CHECK(parse_scram_secret(good));
}

TEST_CASE("a secret's keys are gone when it is wiped") {
    ScramSecret secret = pencil();
    wipe_secret(digests(), secret);
    CHECK(secret.stored_key == ScramDigest{});
    CHECK(secret.server_key == ScramDigest{});
}

} // namespace
} // namespace pgmoat::tests
