// Follows the server's messages from the startup packet to the first ReadyForQuery, without holding
// or changing them, but for one: SCRAM-SHA-256-PLUS is taken off the SASL list when the client's leg
// is in the clear (design section 7). It sees the server's frames only; what the client sends while it
// authenticates only passes through (law 7).
//
// Bounds: of R, E, K and v messages at most limits.h's bytes are held; all others are passed by header.
// A frame that cannot stand here (unknown type, absurd length) is nonsense: the driver closes.
// Source: PostgreSQL protocol, "Message Flow / Start-up"; libpq fe-connect.c, CONNECTION_AWAITING_RESPONSE.
#pragma once

#include "protocol/bytes.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pgmoat::protocol {

// What became known of the login. Texts are the server's: cleaned by whoever logs them.
struct LoginFacts {
    std::vector<std::string> sasl_mechanisms;  // as the server offered them
    bool plus_removed = false;
    std::uint32_t authentication_request = 0;  // the last R code: 0 ok, 3 password, 5 md5, 10 SASL, ...
    bool authenticated = false;                // R 0 was seen
    std::uint32_t backend_process_id = 0;
    Bytes cancel_key;                          // empty until BackendKeyData
    std::optional<std::uint32_t> negotiated_version; // from NegotiateProtocolVersion
    std::string error_sqlstate;                // of the last ErrorResponse
    std::string error_message;
};

class LoginObserver {
  public:
    enum class Progress {
        in_login,
        ready,    // ReadyForQuery went out: the rest of the input is not consumed
        refused,  // an ErrorResponse of severity FATAL or PANIC went out; the server will close
        nonsense, // not a message that may stand here; see complaint()
    };

    struct Step {
        Progress progress;
        std::size_t consumed; // of `in`
    };

    // `strip_channel_binding`: the client's leg is in the clear while the server's is in TLS.
    explicit LoginObserver(bool strip_channel_binding) noexcept
        : strip_channel_binding_(strip_channel_binding) {}

    // Takes the next bytes from the server and appends to `out` what the client is to get. Bytes of a
    // message that must be seen whole are held back until it is complete. However the input is cut,
    // the output and the facts are the same.
    [[nodiscard]] Step observe(ByteView in, Bytes& out);

    [[nodiscard]] const LoginFacts& facts() const noexcept { return facts_; }
    // What was wrong, for the log. Empty unless nonsense.
    [[nodiscard]] const std::string& complaint() const noexcept { return complaint_; }

  private:
    bool strip_channel_binding_;
    LoginFacts facts_;
    std::string complaint_;
    // The helper that implements this adds what it needs here.
};

} // namespace pgmoat::protocol
