// Joins both SCRAM roles into one login through a proxy that terminates TLS and uses TLS to the
// server. The server leads: salt and iterations are always the server's, the stored secret only
// provides StoredKey and ServerKey, and the server decides whether a user may log in, and with
// which error not.
//
//   verb             | input                       | action
//   -----------------+-----------------------------+----------------------------------------------
//   begin()          | the server's list           | AskClient: our list, PLUS where it can bind
//   client_said()    | client-first                | AskServer: a client-first of ours
//   server_said()    | server-first: r, s, i       | FindSecret
//   secret_found()   | other salt or count         | FindSecret once more; then Refuse
//   secret_found()   | as the server's, or nothing | AskClient: both nonces, the server's s and i
//   client_said()    | client-final                | AskServer: our proof; wrong or unknown: random
//   server_said()    | v=, which must be right      | Accept: our v=
//
// Each call returns the next action; begin() comes first, then the call that the action asks for.
// The driver handles an ErrorResponse from the server: it ends the login at any point and goes to
// the client unchanged (refused_by_server() says how it is counted). Anything out of order from the
// server gives Refuse. Known and unknown users cost the same work. Keys, proofs and nonces are
// wiped with this object; the driver must wipe the frames of the actions.
#pragma once

#include "protocol/bytes.h"
#include "protocol/scram_client.h"
#include "protocol/scram_leg.h"
#include "protocol/scram_proven.h"
#include "protocol/scram_server.h"

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

namespace pgmoat::protocol {

// Random values, new for each login.
struct ScramRandom {
    std::string client_nonce; // for the leg to the client: printable, no comma
    std::string server_nonce;
    ScramDigest proof{};      // sent to the server if there is nothing to prove
    ScramDigest stored_key{}; // replaces an unknown user's: no proof matches it
};

enum class ScramOutcome {
    ok,
    wrong_proof,         // the client does not know the password; the server refused
    no_secret,           // no secret of this user was found; the server refused
    refused_by_server,   // for another reason, such as VALID UNTIL
    stale_secret,        // the server's salt or iteration count is not the secret's
    lookup_failed,       // secrets could not be looked up
    bad_message,         // sent by the client
    downgrade,           // the client saw no PLUS although it was offered
    bad_server_message,  // sent by the server
    server_not_verified, // the server did not prove that it knows the secret
    not_configured,      // relaying cannot work, and no source of secrets is configured
    abandoned,           // a side disconnected, or the time was up
    last = abandoned,
};
[[nodiscard]] std::string_view word_of(ScramOutcome outcome) noexcept;

class ScramBridge {
  public:
    struct AskClient { // send, then client_said()
        Bytes frame;
    };
    struct AskServer { // send, then server_said()
        Bytes frame;
    };
    struct FindSecret { // then secret_found()
        bool again;     // what was found first is stale: bypass caches
    };
    struct Accept { // send; the server's AuthenticationOk may be passed on now
        Bytes frame;
    };
    struct Refuse { // send the fault to the client, as FATAL
        ScramFault fault;
        std::string why; // for the log
        ScramOutcome outcome;
    };
    using Action = std::variant<AskClient, AskServer, FindSecret, Accept, Refuse>;

    // Wipes the caller's `random`. `user` is the startup packet's, for PostgreSQL's error texts.
    ScramBridge(const ScramDigests& digests,
                ScramLeg client,
                ScramLeg server,
                ScramRandom&& random,
                std::string user);
    ~ScramBridge();
    ScramBridge(const ScramBridge&) = delete;
    ScramBridge& operator=(const ScramBridge&) = delete;

    // Whether the server's list has a SCRAM mechanism.
    [[nodiscard]] static bool speaks_scram(std::span<const std::string> mechanisms);

    [[nodiscard]] Action begin(std::span<const std::string> mechanisms);
    // A frame from the client: type, length word, body. If the length is above
    // scram_frame_length_max, the body need not be read and may be empty.
    [[nodiscard]] Action client_said(std::uint8_t type, std::uint32_t length, ByteView body);
    // The body of an Authentication message, including its code. Call it for each one before
    // Accept.
    [[nodiscard]] Action server_said(ByteView body);
    // Nothing: the user is unknown, or has no SCRAM secret.
    [[nodiscard]] Action secret_found(std::optional<ScramSecret> secret);

    // After Accept: what the same login on another server is made with (scram_again.h).
    void give_proven(ScramProven& proven) const;

    // How an ErrorResponse from the server counts at this point.
    [[nodiscard]] ScramOutcome refused_by_server() const noexcept;
    [[nodiscard]] bool client_is_bound() const noexcept { return to_client_.is_bound(); }
    [[nodiscard]] bool server_is_bound() const noexcept {
        return to_server_ && to_server_->is_bound();
    }
    [[nodiscard]] bool asked_again() const noexcept { return asked_again_; }

  private:
    enum class State {
        start,
        client_first,
        server_first,
        secret,
        client_final,
        server_final,
        over
    };
    enum class Proof { none, unknown_user, wrong, right };

    [[nodiscard]] Action take_client_first(ByteView body);
    [[nodiscard]] Action take_client_data(ByteView data);
    [[nodiscard]] Action take_server_first(ByteView message);
    [[nodiscard]] Action take_client_final(ByteView body);
    [[nodiscard]] Action take_server_final(ByteView message);
    [[nodiscard]] Action ask_client(State next, Bytes frame);
    [[nodiscard]] Action ask_server(State next, Bytes frame);
    [[nodiscard]] Action refuse(ScramOutcome outcome, ScramFault fault, std::string why);
    [[nodiscard]] Action refuse_client(const ScramFault& fault);
    [[nodiscard]] Action refuse_server(std::string why);
    [[nodiscard]] ScramFault wrong_password() const;

    const ScramDigests& digests_;
    ScramLeg server_leg_;
    ScramRandom random_;
    std::string user_;
    ScramServer to_client_;                // plays the server to the client
    std::optional<ScramClient> to_server_; // plays the client to the server
    std::optional<ScramSecret> secret_;
    WipedDigest client_key_; // of use once the proof is right
    State state_ = State::start;
    Proof proof_ = Proof::none;
    bool mechanism_selected_ = false;
    bool asked_again_ = false;
};

} // namespace pgmoat::protocol
