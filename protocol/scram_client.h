// The client's side of a SCRAM-SHA-256 login, with or without channel binding, without a password:
// the proof is made from a ClientKey (RFC 5802). The checks are those of libpq's fe-auth-scram.c.
// No IO; for the SCRAM bridge.
//
//   first()                 -> client-first
//   take_challenge(message) server-first: its salt and iterations are known then
//   prove(keys)             -> client-final; or prove_nothing(), which no server accepts
//   is_signed(message, key) server-final: whether the server knows the secret too
//
// In this order, each once.
#pragma once

#include "protocol/bytes.h"
#include "protocol/scram_digests.h"
#include "protocol/scram_server.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace pgmoat::protocol {

// The beginning of a client-first message, and what is bound to.
struct ScramBinding {
    std::string_view header = "n,,"; // y,, where PLUS could be used and was not offered
    Bytes end_point;                 // of the server's certificate, with p= only

    [[nodiscard]] static ScramBinding to_end_point(Bytes digest);
    [[nodiscard]] bool is_bound() const noexcept { return header.starts_with('p'); }
};

class ScramClient {
  public:
    // `nonce`: ours, printable, without a comma, new for each login.
    ScramClient(const ScramDigests& digests, std::string_view nonce, ScramBinding binding);

    [[nodiscard]] std::string_view mechanism() const noexcept {
        return binding_.is_bound() ? scram_plus_mechanism : scram_mechanism;
    }
    // The user's name is left empty, as libpq does: the startup packet has it.
    [[nodiscard]] std::string first() const;
    // The error, for the log; empty: none.
    [[nodiscard]] std::string take_challenge(ByteView message);
    [[nodiscard]] const Bytes& salt() const noexcept { return salt_; }
    [[nodiscard]] std::uint32_t iterations() const noexcept { return iterations_; }

    [[nodiscard]] std::string prove(const ScramDigest& client_key,
                                    const ScramDigest& stored_key) const;
    [[nodiscard]] std::string prove_nothing(const ScramDigest& random) const;
    [[nodiscard]] bool is_signed(ByteView message, const ScramDigest& server_key) const;

    [[nodiscard]] bool is_bound() const noexcept { return binding_.is_bound(); }

  private:
    void append_without_proof(std::string& message) const;
    [[nodiscard]] std::string with_proof(const ScramDigest& proof) const;

    const ScramDigests& digests_;
    WipedText nonce_; // with the server's nonce appended once that is known
    ScramBinding binding_;
    WipedText auth_message_; // as far as it is known
    Bytes salt_;
    std::uint32_t iterations_ = 0;
};

} // namespace pgmoat::protocol
