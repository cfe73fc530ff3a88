// A bridged login on the next server, with the keys that the client's proof gave on the first.
#include "protocol/scram_again.h"
#include "tests/support/catch.h"
#include "tests/support/scram_exchange.h"
#include "tests/support/server_message_builders.h"

#include <string>
#include <variant>
#include <vector>

namespace pgmoat::tests {
namespace {

using namespace protocol;

const std::vector<std::string> both{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"};
const std::vector<std::string> unbound{"SCRAM-SHA-256"};
const ScramLeg in_tls{true, Bytes(48, 0x55)};

Bytes request(std::uint32_t code, const std::string& text) {
    return big_endian(code) + bytes_of(text);
}

std::string text_of(const ScramAgain::Action& action, bool initial) {
    const Bytes& frame = std::get<ScramAgain::AskServer>(action).frame;
    const std::string body(frame.begin() + 5, frame.end());
    return initial ? body.substr(body.find('\0') + 5) : body;
}

std::string why(const ScramAgain::Action& action) {
    return std::get<ScramAgain::Refuse>(action).why;
}

struct Login {
    Credentials alice = credentials_of("secret");
    ScramProven proven{digests()};
    ScramServer server{digests(), "realserver", in_tls.end_point};
    explicit Login() {
        proven.secret = alice.secret;
        proven.client_key =
            tls::derive_scram_keys("secret", alice.secret.salt, alice.secret.iterations).client;
    }
    // To the server's last word.
    ScramAgain::Action run(const ScramLeg& leg, const std::vector<std::string>& offer) {
        ScramAgain again(proven, leg, "ournonce");
        auto action = again.begin(offer);
        CHECK_FALSE(server.begin(again.is_bound() ? "SCRAM-SHA-256-PLUS" : "SCRAM-SHA-256"));
        CHECK_FALSE(server.take_first(bytes_of(text_of(action, true))));
        action = again.server_said(
            request(11, server.challenge(alice.secret.salt, alice.secret.iterations)));
        CHECK_FALSE(server.take_final(bytes_of(text_of(action, false))));
        ScramDigest key{};
        CHECK(server.proves(alice.secret.stored_key, key));
        return again.server_said(request(12, server.signature(alice.secret.server_key)));
    }
};

TEST_CASE("a server that has the same secret accepts, bound or not") {
    CHECK(std::holds_alternative<ScramAgain::Accept>(Login().run(in_tls, both)));
    Login plain;
    ScramAgain again(plain.proven, {}, "ournonce");
    CHECK(text_of(again.begin(unbound), true).starts_with("n,,"));
    CHECK_FALSE(again.is_bound());
}

TEST_CASE("a server with another salt or count gets no proof") {
    for (const bool salt : {true, false}) {
        Login login;
        ScramAgain again(login.proven, in_tls, "ournonce");
        const auto first = again.begin(both);
        CHECK_FALSE(login.server.begin("SCRAM-SHA-256-PLUS"));
        CHECK_FALSE(login.server.take_first(bytes_of(text_of(first, true))));
        Bytes other = login.alice.secret.salt;
        other[0] ^= salt ? 1 : 0;
        const auto action = again.server_said(request(
            11, login.server.challenge(other, login.alice.secret.iterations + (salt ? 0 : 1))));
        CHECK(why(action).find("another SCRAM secret") != std::string::npos);
    }
}

TEST_CASE("a server that does not prove that it knows the secret is refused") {
    Login login;
    login.alice.secret.server_key[0] ^= 1; // what the server signs with
    CHECK(why(login.run(in_tls, both)) == "did not prove that it knows the user's secret");
}

TEST_CASE("what stands out of order is refused") {
    Login login;
    ScramAgain early(login.proven, in_tls, "ournonce");
    (void)early.begin(both);
    CHECK_FALSE(why(early.server_said(request(12, "v=AAAA"))).empty());
    ScramAgain let_in(login.proven, in_tls, "ournonce");
    (void)let_in.begin(both);
    CHECK_FALSE(why(let_in.server_said(big_endian(0))).empty());
    ScramAgain broken(login.proven, in_tls, "ournonce");
    (void)broken.begin(both);
    CHECK_FALSE(why(broken.server_said(request(11, "r=other,s=AAAA,i=4096"))).empty());
}

TEST_CASE("a list without SCRAM, or with PLUS in plaintext, cannot be answered") {
    Login login;
    CHECK(
        why(ScramAgain(login.proven, in_tls, "n").begin(std::vector<std::string>{"OAUTHBEARER"})) ==
        "offers no SASL mechanism that can be bridged");
    CHECK_FALSE(why(ScramAgain(login.proven, {}, "n").begin(both)).empty());
}

} // namespace
} // namespace pgmoat::tests
