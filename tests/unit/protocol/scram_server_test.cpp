// The SCRAM exchange against RFC 7677's example, and what a client may get wrong.
#include "protocol/scram_server.h"
#include "tests/support/catch.h"
#include "tls/scram_keys.h"

#include <string>
#include <utility>

using namespace pgmoat;
using namespace pgmoat::protocol;

namespace {

constexpr ScramDigests digests{tls::sha256, tls::hmac_sha256, tls::equal_in_constant_time};

// Of the password "pencil", made with another implementation.
const char* const pencil = "SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ=="
                           "$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY="
                           ":wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
const char* const server_nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const std::string client_first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const std::string server_first =
    "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const std::string client_final = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,"
                                 "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";

ScramServer server() {
    return {digests, parse_scram_secret(pencil).value(), server_nonce};
}

ScramServer::Step say(ScramServer& scram, const std::string& message) {
    return scram.resume({reinterpret_cast<const std::uint8_t*>(message.data()), message.size()});
}

std::string replaced(std::string text, const std::string& part, const std::string& by) {
    return text.replace(text.find(part), part.size(), by);
}

} // namespace

TEST_CASE("RFC 7677's client proves its password, and the server its own") {
    ScramServer scram = server();
    REQUIRE(std::get<ScramServer::Continue>(say(scram, client_first)).message == server_first);
    REQUIRE(std::get<ScramServer::Finished>(say(scram, client_final)).message ==
            "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

TEST_CASE("A proof of another password is wrong") {
    ScramServer scram = server();
    (void)say(scram, client_first);
    const std::string other = replaced(client_final, "p=dHzb", "p=eHzb");
    REQUIRE(std::holds_alternative<ScramServer::WrongProof>(say(scram, other)));
}

TEST_CASE("An exchange that is over goes on for nobody") {
    ScramServer scram = server();
    (void)say(scram, client_first);
    (void)say(scram, client_final);
    REQUIRE(std::holds_alternative<ScramServer::Malformed>(say(scram, client_final)));
}

TEST_CASE("A malformed first message ends the exchange") {
    for (const std::string message : {"",
                                      "p=tls-server-end-point,,n=user,r=abc",
                                      "n,a=other,n=user,r=abc",
                                      "x,,n=user,r=abc",
                                      "n,,m=ext,n=user,r=abc",
                                      "n,,r=abc",
                                      "n,,n=user",
                                      "n,,n=user,r=",
                                      "n,,n=user,r=a b"}) {
        INFO(message);
        ScramServer scram = server();
        REQUIRE(std::holds_alternative<ScramServer::Malformed>(say(scram, message)));
        REQUIRE(std::holds_alternative<ScramServer::Malformed>(say(scram, client_first)));
    }
    ScramServer scram = server();
    REQUIRE(std::holds_alternative<ScramServer::Malformed>(
        say(scram, client_first + std::string(1024, 'x'))));
}

TEST_CASE("A malformed last message ends the exchange") {
    for (const std::string& message : {std::string("c=biws"),
                                       replaced(client_final, "c=biws", "c=eSws"), // "y,,"
                                       replaced(client_final, "k0,p", "k1,p"),
                                       replaced(client_final, "p=dHzb", "p=!"),
                                       replaced(client_final, "p=dHzb", "p=")}) {
        INFO(message);
        ScramServer scram = server();
        (void)say(scram, client_first);
        REQUIRE(std::holds_alternative<ScramServer::Malformed>(say(scram, message)));
    }
}

TEST_CASE("A user that does not exist has the same salt at each login, and another than others") {
    const ScramDigest key{1, 2, 3};
    const ScramSecret once = mock_scram_secret(digests, key, "nobody", 4096);
    REQUIRE(once.salt == mock_scram_secret(digests, key, "nobody", 4096).salt);
    REQUIRE(once.salt != mock_scram_secret(digests, key, "noone", 4096).salt);
    REQUIRE(once.salt.size() == parse_scram_secret(pencil)->salt.size());
    REQUIRE(once.iterations == 4096);
}

TEST_CASE("What is no SCRAM secret of PostgreSQL's is none here") {
    for (const std::string& text : {std::string(),
                                    std::string("md5a3556571e93b0d20722ba62be61e8c2d"),
                                    replaced(pencil, "SHA-256", "SHA-512"),
                                    replaced(pencil, "4096", "0"),
                                    replaced(pencil, "4096", "99999999"),
                                    replaced(pencil, "4096", "-1"),
                                    replaced(pencil, "W22ZaJ0SNY7soEsUEjb6gQ==", ""),
                                    replaced(pencil, "W22Z", "W22"),
                                    replaced(pencil, "WG5d", ""),
                                    std::string(pencil) + "AAAA"}) {
        INFO(text);
        REQUIRE_FALSE(parse_scram_secret(text));
    }
    REQUIRE(parse_scram_secret(pencil));
}
