// The server's side of a SCRAM-SHA-256 login, with or without channel binding (RFC 5802, RFC 7677,
// RFC 5929; PostgreSQL's auth-scram.c): checks, order, texts and SQLSTATEs are PostgreSQL's. No IO:
// the driver sends the messages. Used by the console, which has the secret, and by the SCRAM
// bridge, which gets the secret and the salt during the login.
//
//   begin(mechanism)        which of mechanisms() the client selected
//   take_first(message)     client-first
//   challenge(salt, i)      -> server-first
//   take_final(message)     client-final: channel binding and nonce are checked, the proof is not
//   proves(stored, key)     the proof; gives the ClientKey
//   signature(server key)   -> server-final
//
// Called in this order, each once; the first fault ends the exchange. The user's name in the
// exchange is ignored, as in PostgreSQL: the startup packet names the user. What the client sent is
// wiped with this object (law 7).
#pragma once

#include "protocol/bytes.h"
#include "protocol/scram_digests.h"
#include "protocol/scram_reader.h"
#include "protocol/scram_secret.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::protocol {

inline constexpr std::string_view scram_mechanism = "SCRAM-SHA-256";
inline constexpr std::string_view scram_plus_mechanism = "SCRAM-SHA-256-PLUS";

class ScramServer {
  public:
    using Fault = std::optional<ScramFault>; // nothing: continue

    // `nonce`: ours, printable, without a comma, new for each login. `end_point`: the
    // tls-server-end-point digest of the certificate sent to this client. Empty if the connection
    // is plaintext or the certificate has no digest; then PLUS is not offered.
    ScramServer(const ScramDigests& digests, std::string_view nonce, Bytes end_point = {});

    // The mechanisms to offer, the strongest first, as in PostgreSQL.
    [[nodiscard]] std::vector<std::string_view> mechanisms() const;

    [[nodiscard]] Fault begin(std::string_view mechanism);
    [[nodiscard]] Fault take_first(ByteView message);
    [[nodiscard]] std::string challenge(ByteView salt, std::uint32_t iterations);
    [[nodiscard]] Fault take_final(ByteView message);
    // ClientKey = ClientProof XOR HMAC(StoredKey, AuthMessage); true if its hash is StoredKey.
    // `client_key` is valid only then. The caller must wipe it in any case.
    [[nodiscard]] bool proves(const ScramDigest& stored_key, ScramDigest& client_key) const;
    [[nodiscard]] std::string signature(const ScramDigest& server_key) const;

    // The client selected PLUS: its proof is bound to the certificate that it was sent.
    [[nodiscard]] bool is_bound() const noexcept { return bound_; }
    // The client believes that we did not offer PLUS: someone in between has removed it.
    [[nodiscard]] bool saw_downgrade() const noexcept { return saw_downgrade_; }

  private:
    enum class State { offered, begun, asked, challenged, answered, ended };

    void read_flag(ScramReader& reader);
    [[nodiscard]] bool is_expected_binding(std::string_view binding) const;
    [[nodiscard]] Fault end_if(const ScramReader& reader, State else_state);

    const ScramDigests& digests_;
    WipedText nonce_; // with our own appended once the client's is known
    Bytes end_point_;
    char flag_ = '\0'; // n, y or p
    bool bound_ = false;
    bool saw_downgrade_ = false;
    WipedText auth_message_; // as far as it is known
    WipedDigest proof_;
    State state_ = State::offered;
};

// A secret that matches no password, for users that do not exist. A name always gets the same salt,
// so that asking twice does not show whether the user exists. `key` must be secret and must not
// change.
[[nodiscard]] ScramSecret mock_scram_secret(const ScramDigests& digests,
                                            ByteView key,
                                            std::string_view user,
                                            std::uint32_t iterations);

} // namespace pgmoat::protocol
