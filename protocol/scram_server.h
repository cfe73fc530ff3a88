// The server's side of a SCRAM-SHA-256 login (RFC 5802, RFC 7677; PostgreSQL's auth-scram.c): three
// messages, bytes in, bytes out. No channel binding: SCRAM-SHA-256-PLUS is not offered, so a client
// may say `n` or `y` and not `p`. The user's name in the exchange is ignored, as in PostgreSQL: the
// startup packet names him.
//
//   start       client-first -> Continue(server-first)
//   continued   client-final -> Finished(server-final), or WrongProof
//   any state   other input  -> Malformed, and the machine has ended
//
// The digests are the caller's, for OpenSSL is not known here. Nothing that the client sends is
// kept behind the exchange (law 7).
#pragma once

#include "protocol/bytes.h"
#include "protocol/scram_secret.h"

#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace pgmoat::protocol {

struct ScramDigests {
    ScramDigest (*sha256)(ByteView bytes);
    ScramDigest (*hmac_sha256)(ByteView key, ByteView bytes);
    bool (*equal)(ByteView left, ByteView right); // in constant time
};

class ScramServer {
  public:
    struct Continue {
        std::string message;
    };
    struct Finished {
        std::string message;
    };
    struct WrongProof {};
    struct Malformed {
        std::string_view text; // for the log
    };
    using Step = std::variant<Continue, Finished, WrongProof, Malformed>;

    // `nonce`: ours, printable, without a comma, new for each login.
    ScramServer(const ScramDigests& digests, ScramSecret secret, std::string nonce)
        : digests_(digests), secret_(std::move(secret)), nonce_(std::move(nonce)) {}

    [[nodiscard]] Step resume(ByteView message);

  private:
    enum class State { start, continued, ended };

    [[nodiscard]] Step first(std::string_view message);
    [[nodiscard]] Step last(std::string_view message);
    [[nodiscard]] bool proves(const Bytes& proof, std::string_view auth_message) const;

    ScramDigests digests_;
    ScramSecret secret_;
    std::string nonce_; // from the first message on: the client's and ours
    std::string gs2_header_;
    std::string auth_message_; // what of it is known so far
    State state_ = State::start;
};

// A secret that nobody has the password of, for users that do not exist: the same name always gets
// the same salt, so that asking twice does not tell. `key` must stay secret and the same.
[[nodiscard]] ScramSecret mock_scram_secret(const ScramDigests& digests,
                                            ByteView key,
                                            std::string_view user,
                                            std::uint32_t iterations);

} // namespace pgmoat::protocol
