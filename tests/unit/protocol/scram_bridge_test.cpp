// The bridge between a real client role and a real server role: which logins succeed, which fail,
// and what either side may do to break it.
#include "protocol/base64.h"
#include "protocol/scram_bridge.h"
#include "tests/support/catch.h"
#include "tests/support/scram_exchange.h"
#include "tests/support/server_message_builders.h"

#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace pgmoat::tests {
namespace {

using namespace protocol;
using Bridge = ScramBridge;

const ScramLeg plain{};
const ScramLeg tls_of_client{true, Bytes(32, 0xcc)};
const ScramLeg tls_of_server{true, Bytes(48, 0x55)};
const ScramLeg tls_without_digest{true, {}};
const Credentials alice = credentials_of("secret");
const std::vector<std::string> both{"SCRAM-SHA-256-PLUS", "SCRAM-SHA-256"};
const std::vector<std::string> unbound{"SCRAM-SHA-256"};

ScramRandom random_values() {
    return {"clientleg", "serverleg", ScramDigest{1}, ScramDigest{2}};
}

Bytes body_of(const Bytes& frame) {
    return {frame.begin() + 5, frame.end()};
}

std::string text_of(const Bytes& bytes) {
    return {bytes.begin(), bytes.end()};
}

// The text of a SASLInitialResponse or SASLResponse.
std::string sasl_text(const Bytes& frame, bool initial) {
    const std::string body = text_of(body_of(frame));
    return initial ? body.substr(body.find('\0') + 5) : body;
}

Bytes initial_response(const std::string& mechanism, const std::string& data) {
    return c_string(mechanism) + big_endian(static_cast<std::uint32_t>(data.size())) +
           bytes_of(data);
}

// One login with settings for each side. The roles at both ends are real.
struct Login {
    ScramLeg client_leg = tls_of_client;
    ScramLeg server_leg = tls_of_server;
    std::vector<std::string> offer = both;
    ScramBinding client_binding = ScramBinding::to_end_point(tls_of_client.end_point);
    Credentials typed = alice;                             // what the user types
    ScramSecret server_secret = alice.secret;              // what the server knows
    std::optional<ScramSecret> known = alice.secret;       // what the proxy has
    std::optional<ScramSecret> known_again = alice.secret; // what a second lookup finds
    int lookups = 0;
    std::string client_final; // what was sent

    Bridge bridge;
    ScramServer server;
    ScramClient client;

    explicit Login(ScramLeg of_client = tls_of_client,
                   ScramLeg of_server = tls_of_server,
                   ScramBinding binding = ScramBinding::to_end_point(tls_of_client.end_point))
        : client_leg(of_client), server_leg(of_server), client_binding(binding),
          bridge(digests(), of_client, of_server, random_values(), "alice"),
          server(digests(), "realserver", of_server.end_point),
          client(digests(), "realclient", binding) {}

    Bridge::Action say(const Bytes& body) {
        return bridge.client_said('p', static_cast<std::uint32_t>(body.size() + 4), body);
    }

    // Runs up to the action that sends our client-first to the server.
    Bridge::Action to_client_first() {
        const auto asked = bridge.begin(offer);
        if (std::holds_alternative<Bridge::Refuse>(asked)) return asked;
        return say(initial_response(std::string(client.mechanism()), client.first()));
    }
    // Runs up to the challenge for the client.
    Bridge::Action to_challenge() {
        auto action = to_client_first();
        const auto* ask = std::get_if<Bridge::AskServer>(&action);
        if (ask == nullptr) return action;
        const std::string body = text_of(body_of(ask->frame));
        REQUIRE_FALSE(server.begin(body.substr(0, body.find('\0'))));
        REQUIRE_FALSE(server.take_first(bytes_of(sasl_text(ask->frame, true))));
        const std::string challenge =
            server.challenge(server_secret.salt, server_secret.iterations);
        action = bridge.server_said(big_endian(11) + bytes_of(challenge));
        while (const auto* find = std::get_if<Bridge::FindSecret>(&action)) {
            ++lookups;
            action = bridge.secret_found(find->again ? known_again : known);
        }
        return action;
    }
    // Runs up to the proof for the server.
    Bridge::Action to_proof() {
        auto action = to_challenge();
        const auto* ask = std::get_if<Bridge::AskClient>(&action);
        if (ask == nullptr) return action;
        const std::string challenge = text_of(body_of(ask->frame)).substr(4);
        REQUIRE(client.take_challenge(bytes_of(challenge)) == "");
        CHECK(client.salt() == server_secret.salt);
        CHECK(client.iterations() == server_secret.iterations);
        const Credentials fresh = credentials_of("secret", client.salt(), client.iterations());
        const Credentials& keys = typed.client_key == alice.client_key ? fresh : typed;
        client_final = client.prove(keys.client_key, keys.secret.stored_key);
        return say(bytes_of(client_final));
    }
    // Whether the server accepts the proof.
    bool server_is_convinced(const Bridge::Action& action) {
        const auto& ask = std::get<Bridge::AskServer>(action);
        REQUIRE_FALSE(server.take_final(bytes_of(sasl_text(ask.frame, false))));
        ScramDigest key{};
        return server.proves(server_secret.stored_key, key);
    }
    Bridge::Action to_the_end() {
        auto action = to_proof();
        if (!std::holds_alternative<Bridge::AskServer>(action)) return action;
        REQUIRE(server_is_convinced(action));
        return bridge.server_said(big_endian(12) +
                                  bytes_of(server.signature(server_secret.server_key)));
    }
};

const Bridge::Refuse& refusal_in(const Bridge::Action& action) {
    REQUIRE(std::holds_alternative<Bridge::Refuse>(action));
    return std::get<Bridge::Refuse>(action);
}

TEST_CASE("a right password logs in on every pair of legs, bound where a leg can be") {
    const ScramBinding n{"n,,", {}};
    const ScramBinding y{"y,,", {}};
    const auto p = ScramBinding::to_end_point(tls_of_client.end_point);
    struct Case {
        ScramLeg client_leg;
        ScramLeg server_leg;
        ScramBinding client;
        std::vector<std::string> offer;
        bool client_bound;
        bool server_bound;
    };
    for (const auto& row : {
             Case{tls_of_client, tls_of_server, p, both, true, true},
             Case{tls_of_client, tls_of_server, n, both, false, true},
             Case{tls_of_client, plain, p, unbound, true, false},
             Case{plain, tls_of_server, n, both, false, true},
             Case{plain, plain, n, unbound, false, false},
             Case{plain, plain, y, unbound, false, false},
             Case{tls_without_digest, tls_of_server, n, both, false, true},
             Case{tls_without_digest, tls_of_server, y, both, false, true},
             Case{tls_of_client, tls_without_digest, p, both, true, false},
             Case{tls_of_client,
                  tls_of_server,
                  p,
                  {"OAUTHBEARER", "SCRAM-SHA-256-PLUS"},
                  true,
                  true},
         }) {
        Login login(row.client_leg, row.server_leg, row.client);
        login.offer = row.offer;
        const auto end = login.to_the_end();
        REQUIRE(std::holds_alternative<Bridge::Accept>(end));
        const std::string last = text_of(body_of(std::get<Bridge::Accept>(end).frame)).substr(4);
        CHECK(login.client.is_signed(bytes_of(last), alice.secret.server_key));
        CHECK(login.bridge.client_is_bound() == row.client_bound);
        CHECK(login.bridge.server_is_bound() == row.server_bound);
        CHECK(login.lookups == 1);
    }
}

TEST_CASE("the client is offered PLUS where its leg has an end point") {
    for (const auto& [leg, offered] : {std::pair{tls_of_client, both},
                                       std::pair{tls_without_digest, unbound},
                                       std::pair{plain, unbound}}) {
        Login login(leg, tls_of_server);
        const auto action = login.bridge.begin(both);
        CHECK(std::get<Bridge::AskClient>(action).frame == authentication_sasl(offered));
    }
}

TEST_CASE("the server gets what libpq would send") {
    struct Case {
        ScramLeg leg;
        std::vector<std::string> offer;
        std::string mechanism;
        std::string header;
    };
    for (const auto& row : {
             Case{tls_of_server, both, "SCRAM-SHA-256-PLUS", "p=tls-server-end-point,,"},
             Case{tls_of_server, unbound, "SCRAM-SHA-256", "y,,"}, // somebody may have removed it
             Case{tls_without_digest, both, "SCRAM-SHA-256", "n,,"},
             Case{plain, unbound, "SCRAM-SHA-256", "n,,"},
         }) {
        Login login(tls_of_client, row.leg);
        login.offer = row.offer;
        const auto action = login.to_client_first();
        CHECK(std::get<Bridge::AskServer>(action).frame ==
              message('p', initial_response(row.mechanism, row.header + "n=,r=serverleg")));
    }
}

TEST_CASE("a wrong password and an unknown user send the server a proof that it refuses") {
    Login wrong;
    wrong.typed = credentials_of("other");
    CHECK_FALSE(wrong.server_is_convinced(wrong.to_proof()));
    CHECK(wrong.bridge.refused_by_server() == ScramOutcome::wrong_proof);

    Login unknown; // to us: the server has the user, and the password is right
    unknown.known.reset();
    CHECK_FALSE(unknown.server_is_convinced(unknown.to_proof()));
    CHECK(unknown.bridge.refused_by_server() == ScramOutcome::no_secret);
    CHECK(unknown.lookups == 1);

    Login right;
    CHECK(right.bridge.refused_by_server() == ScramOutcome::refused_by_server);
    CHECK(right.server_is_convinced(right.to_proof()));
    CHECK(right.bridge.refused_by_server() == ScramOutcome::refused_by_server);
}

TEST_CASE("a stale secret is found before the proof and looked up again within the login") {
    const ScramSecret other_salt = credentials_of("old", Bytes(16, 'o')).secret;
    const ScramSecret other_count = credentials_of("old", alice.secret.salt, 3).secret;
    for (const ScramSecret& stale : {other_salt, other_count}) {
        Login login;
        login.known = stale;
        CHECK(std::holds_alternative<Bridge::Accept>(login.to_the_end()));
        CHECK(login.lookups == 2);
        CHECK(login.bridge.asked_again());

        Login still_stale;
        still_stale.known = still_stale.known_again = stale;
        const auto action = still_stale.to_challenge(); // the client does not get the salt
        CHECK(refusal_in(action).outcome == ScramOutcome::stale_secret);
        CHECK(refusal_in(action).fault ==
              ScramFault{"28P01", "password authentication failed for user \"alice\"", ""});

        Login gone; // dropped in the meantime: the server decides
        gone.known = stale;
        gone.known_again.reset();
        CHECK_FALSE(gone.server_is_convinced(gone.to_proof()));
        CHECK(gone.bridge.refused_by_server() == ScramOutcome::no_secret);
    }
}

TEST_CASE("the client gets our signature only after the server's was verified") {
    const std::string forged = "v=" + encode_base64(Bytes(32, 9));
    Login login;
    (void)login.to_proof();
    CHECK(refusal_in(login.bridge.server_said(big_endian(12) + bytes_of(forged))).outcome ==
          ScramOutcome::server_not_verified);

    Login wrong; // a server that accepts any proof
    wrong.typed = credentials_of("other");
    REQUIRE(wrong.server_is_convinced(wrong.to_proof()) == false);
    const std::string signature = wrong.server.signature(alice.secret.server_key);
    CHECK(refusal_in(wrong.bridge.server_said(big_endian(12) + bytes_of(signature))).outcome ==
          ScramOutcome::server_not_verified);
}

TEST_CASE("a server that leaves the exchange is refused at each step") {
    for (const std::uint32_t code : {0U, 3U, 5U, 10U, 11U, 12U}) {
        INFO(code);
        const Bytes said = big_endian(code) + bytes_of("r=x");
        const auto outcome =
            code == 0 ? ScramOutcome::server_not_verified : ScramOutcome::bad_server_message;
        Login at_list; // while the client chooses a mechanism
        (void)at_list.bridge.begin(both);
        CHECK(refusal_in(at_list.bridge.server_said(said)).outcome == outcome);
        Login at_first;
        (void)at_first.to_client_first();
        CHECK(refusal_in(at_first.bridge.server_said(said)).outcome == outcome);
        Login at_challenge;
        (void)at_challenge.to_challenge();
        CHECK(refusal_in(at_challenge.bridge.server_said(said)).outcome == outcome);
        Login at_proof;
        (void)at_proof.to_proof();
        const auto late = code == 12 ? ScramOutcome::server_not_verified : outcome;
        CHECK(refusal_in(at_proof.bridge.server_said(said)).outcome == late);
    }
    Login empty;
    (void)empty.bridge.begin(both);
    (void)empty.bridge.server_said({});
}

TEST_CASE("an offer that cannot be answered is refused") {
    Login in_the_clear(tls_of_client, plain);
    CHECK(refusal_in(in_the_clear.bridge.begin(both)).why ==
          "server offered SCRAM-SHA-256-PLUS authentication over a non-SSL connection");
    Login other;
    CHECK(refusal_in(other.bridge.begin(std::vector<std::string>{"OAUTHBEARER"})).outcome ==
          ScramOutcome::bad_server_message);
    Login only_plus(tls_of_client, tls_without_digest);
    CHECK(refusal_in(only_plus.bridge.begin(std::vector<std::string>{"SCRAM-SHA-256-PLUS"}))
              .outcome == ScramOutcome::bad_server_message);
    CHECK(Bridge::speaks_scram(both));
    CHECK(Bridge::speaks_scram(unbound));
    CHECK_FALSE(Bridge::speaks_scram(std::vector<std::string>{"OAUTHBEARER"}));
}

TEST_CASE("a hostile client is refused in PostgreSQL's words") {
    struct Case {
        std::uint8_t type;
        Bytes body;
        ScramFault fault;
        ScramOutcome outcome;
    };
    const ScramFault wrong_password{
        "28P01", "password authentication failed for user \"alice\"", ""};
    const ScramFault downgrade{
        "28000",
        "SCRAM channel binding negotiation error",
        "The client supports SCRAM channel binding but thinks the server does not.  However, this "
        "server does support channel binding."};
    for (const auto& row : {
             Case{'X',
                  {},
                  {"08P01", "expected SASL response, got message type 88", ""},
                  ScramOutcome::bad_message},
             Case{'p', Bytes(1021, 'x'), wrong_password, ScramOutcome::bad_message},
             Case{'p',
                  initial_response("SCRAM-SHA-1", "n,,n=,r=a"),
                  {"08P01", "client selected an invalid SASL authentication mechanism", ""},
                  ScramOutcome::bad_message},
             Case{'p',
                  initial_response("SCRAM-SHA-256", "n,,n=,r=a") + Bytes{0},
                  {"08P01", "invalid message format", ""},
                  ScramOutcome::bad_message},
             Case{'p',
                  initial_response("SCRAM-SHA-256", "y,,n=,r=a"),
                  downgrade,
                  ScramOutcome::downgrade},
             Case{'p',
                  initial_response("SCRAM-SHA-256", ""),
                  malformed_scram("The message is empty."),
                  ScramOutcome::bad_message},
         }) {
        Login login;
        (void)login.bridge.begin(both);
        const auto action = login.bridge.client_said(
            row.type, static_cast<std::uint32_t>(row.body.size() + 4), row.body);
        CHECK(refusal_in(action).fault == row.fault);
        CHECK(refusal_in(action).outcome == row.outcome);
    }
}

TEST_CASE("a last message that is cut anywhere or changed anywhere never convinces the server") {
    Login whole;
    (void)whole.to_proof();
    const std::string last = whole.client_final;
    for (std::size_t size = 0; size < last.size(); ++size) {
        Login login;
        (void)login.to_challenge();
        CHECK(refusal_in(login.say(bytes_of(last.substr(0, size)))).outcome ==
              ScramOutcome::bad_message);
    }
    for (std::size_t at = 0; at < last.size(); ++at) {
        std::string changed = last;
        changed[at] = changed[at] == 'B' ? 'C' : 'B';
        Login login;
        (void)login.to_challenge();
        const auto action = login.say(bytes_of(changed));
        if (std::holds_alternative<Bridge::AskServer>(action))
            CHECK_FALSE(login.server_is_convinced(action));
    }
}

TEST_CASE("a first message without data is answered with an empty challenge, as by PostgreSQL") {
    Login login;
    (void)login.bridge.begin(both);
    const auto action = login.say(c_string("SCRAM-SHA-256-PLUS") + big_endian(0xffffffff));
    CHECK(std::get<Bridge::AskClient>(action).frame == authentication(11));
    CHECK(std::holds_alternative<Bridge::AskServer>(login.say(bytes_of(login.client.first()))));
}

TEST_CASE("each outcome has a word of its own") {
    std::set<std::string_view> words;
    for (int i = 0; i <= static_cast<int>(ScramOutcome::last); ++i)
        words.insert(word_of(static_cast<ScramOutcome>(i)));
    CHECK(words.size() == static_cast<std::size_t>(ScramOutcome::last) + 1);
    CHECK_FALSE(words.contains(""));
}

} // namespace
} // namespace pgmoat::tests
