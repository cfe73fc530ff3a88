// The closed lists behind every label, in one place: the enum is the counter's index, the word is the
// metric label and the log field. Client text is never a label.
#pragma once

#include <cstddef>
#include <string_view>

namespace pgmoat::metrics {

// How a connection ended: exactly one each (law 10).
enum class CloseReason {
    client_closed,        // the client ended it
    server_closed,
    client_io_error,
    server_io_error,
    tls_truncated,        // a peer ended its stream without close_notify
    startup,              // no acceptable startup packet
    handshake,            // the client's TLS handshake failed
    denied,               // by policy
    too_many_connections,
    accept_error,
    upstream_failed,      // no server could be reached
    login_failed,         // the server refused the login
    cancel,               // it was a cancel request
    timeout,              // authentication_timeout
    idle,
    tls_flood,
    drain,                // shutdown_timeout passed, or a second signal
    killed,
    internal,
};
inline constexpr std::size_t close_reason_count = 19;

[[nodiscard]] std::string_view to_word(CloseReason reason) noexcept;

enum class StartupKind { ssl, gssenc, direct_tls, plain, cancel, eof, invalid };
inline constexpr std::size_t startup_kind_count = 7;
[[nodiscard]] std::string_view to_word(StartupKind kind) noexcept;

enum class CancelOutcome { forwarded, unknown_key, rate_limited, failed, invalid };
inline constexpr std::size_t cancel_outcome_count = 5;
[[nodiscard]] std::string_view to_word(CancelOutcome outcome) noexcept;

enum class Side { client, server };
[[nodiscard]] std::string_view to_word(Side side) noexcept;

} // namespace pgmoat::metrics
