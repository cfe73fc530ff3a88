// The closed lists of label values, in one place: the enum is the counter's index, the word is the
// metric label and the log field. Text from clients never becomes a label: names that a peer can
// influence (TLS version, cipher, group) are looked up in a list, and are `other` if they are not
// in it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace pgmoat::metrics {

// How a connection ended: exactly one each (law 10).
enum class CloseReason {
    client_closed, // the client closed it
    server_closed,
    client_io_error,
    server_io_error,
    tls_truncated, // a peer ended its stream without close_notify
    startup,       // no acceptable startup packet
    proxy_header,  // no acceptable PROXY protocol header, where one is required
    handshake,     // the client's TLS handshake failed
    denied,        // by the access rules
    too_many_connections,
    accept_error,
    upstream_failed, // no server could be reached
    login_failed,    // the server refused the login
    cancel,          // it was a cancel request
    timeout,         // authentication_timeout
    idle,            // idle_session_timeout, or nothing came to the console for too long
    lifetime,        // max_session_lifetime
    tls_flood,
    rate_limited, // by what one address may do, or by max_handshakes
    drain,        // idle in a drain, or cut off by shutdown_timeout or a second signal
    handed_over,  // moved to the new process at an upgrade
    killed,
    internal,
};
inline constexpr std::size_t close_reason_count = 23;
[[nodiscard]] std::string_view to_word(CloseReason reason) noexcept;

// Whether pgmoat terminates the TLS of a listener's connections.
enum class Mode { terminate, passthrough };
inline constexpr std::size_t mode_count = 2;
[[nodiscard]] std::string_view to_word(Mode mode) noexcept;

enum class StartupKind { ssl, gssenc, direct_tls, plain, cancel, eof, invalid };
inline constexpr std::size_t startup_kind_count = 7;
[[nodiscard]] std::string_view to_word(StartupKind kind) noexcept;

// Why the packets before the login were not accepted. A client that sends nothing is not an error
// but StartupKind::eof.
enum class StartupError {
    timeout,
    incomplete, // the stream ended inside a packet
    bad_length,
    bad_layout,         // no terminator, a bad value, no user, a malformed cancel request
    protocol_violation, // such as a second SSLRequest
    unsupported_version,
    tls_required,
    tls_not_enabled, // direct TLS where TLS is off
    plaintext_injected,
    proxy_header, // none, or a malformed one, where a PROXY protocol header is required
};
inline constexpr std::size_t startup_error_count = 10;
[[nodiscard]] std::string_view to_word(StartupError error) noexcept;

// The leg of a connection.
enum class Side { client, server };
inline constexpr std::size_t side_count = 2;
[[nodiscard]] std::string_view to_word(Side side) noexcept;

enum class Direction { from_client, from_server };
inline constexpr std::size_t direction_count = 2;
[[nodiscard]] std::string_view to_word(Direction direction) noexcept;

enum class HandshakeFailure {
    timeout,
    eof,
    reset,
    protocol_version,
    no_shared_cipher,
    no_shared_group,
    no_alpn,
    unrecognized_name,
    cert_required,
    cert_untrusted,
    cert_expired,
    cert_revoked,
    cert_name, // verify-full: the certificate is for another host
    cert_other,
    plaintext_injected,
    flood,
    other,
};
inline constexpr std::size_t handshake_failure_count = 17;
[[nodiscard]] std::string_view to_word(HandshakeFailure failure) noexcept;

// Whether the ClientHello had an SNI extension.
enum class Sni { present, absent, unknown };
inline constexpr std::size_t sni_count = 3;
[[nodiscard]] std::string_view to_word(Sni sni) noexcept;

enum class TlsVersion { other, tls_1_0, tls_1_1, tls_1_2, tls_1_3 };
inline constexpr std::size_t tls_version_count = 5;
[[nodiscard]] std::string_view to_word(TlsVersion version) noexcept;
[[nodiscard]] TlsVersion tls_version_from(std::string_view name) noexcept; // "TLSv1.3"

// No code needs one particular cipher or group, so these enums are just indices into tables of
// OpenSSL's names in labels.cpp. 0 is "other" in both; 1 is "none" for groups.
enum class Cipher : std::uint8_t { other };
[[nodiscard]] std::string_view to_word(Cipher cipher) noexcept;
[[nodiscard]] Cipher cipher_from(std::string_view name) noexcept;

enum class Group : std::uint8_t { other, none };
[[nodiscard]] std::string_view to_word(Group group) noexcept;
[[nodiscard]] Group
group_from(std::string_view name) noexcept; // empty: none, as with RSA key exchange

// The result of one attempt to reach one server of an upstream, TLS included.
enum class ConnectResult {
    connected,
    name_not_resolved,
    refused,
    unreachable,
    timeout,
    closed,          // the server hung up before the login could start
    tls_not_offered, // it answered N and sslmode requires TLS
    tls_failed,
    protocol_violation, // it answered SSLRequest with neither S nor N, or sent too much
    other,
};
inline constexpr std::size_t connect_result_count = 10;
[[nodiscard]] std::string_view to_word(ConnectResult result) noexcept;

enum class CancelOutcome { forwarded, unknown_key, rate_limited, failed, invalid };
inline constexpr std::size_t cancel_outcome_count = 5;
[[nodiscard]] std::string_view to_word(CancelOutcome outcome) noexcept;

// How a login through the SCRAM bridge ended; protocol/scram_bridge.h says what each means.
enum class ScramOutcome {
    ok,
    wrong_proof,
    no_secret,
    refused_by_server,
    stale_secret,
    lookup_failed,
    bad_message,
    downgrade,
    bad_server_message,
    server_not_verified,
    not_configured,
    abandoned,
};
inline constexpr std::size_t scram_outcome_count = 12;
[[nodiscard]] std::string_view to_word(ScramOutcome outcome) noexcept;

// The errno of a failed accept(); errors not listed are `other`.
enum class AcceptError { emfile, enfile, enobufs, enomem, econnaborted, eperm, other };
inline constexpr std::size_t accept_error_count = 7;
[[nodiscard]] std::string_view to_word(AcceptError error) noexcept;
[[nodiscard]] AcceptError accept_error_from(int errno_value) noexcept;

// The limits that a client can be refused by.
enum class Limit {
    max_connections,
    cancel_requests,
    connections_per_address,
    handshakes_per_address,
    logins_per_address,
    failed_logins_per_address, // refused or delayed
    handshakes,
};
inline constexpr std::size_t limit_count = 7;
[[nodiscard]] std::string_view to_word(Limit limit) noexcept;

// Messages after the login, by their type byte; the two directions use the same bytes for different
// messages. Indices into tables in labels.cpp, as above. Rows of COPY are not counted, so they are
// in neither.
enum class ClientMessage : std::uint8_t { other };
inline constexpr std::size_t client_message_count = 14;
[[nodiscard]] std::string_view to_word(ClientMessage message) noexcept;
[[nodiscard]] ClientMessage client_message_from(std::uint8_t type) noexcept;

enum class ServerMessage : std::uint8_t { other };
inline constexpr std::size_t server_message_count = 24;
[[nodiscard]] std::string_view to_word(ServerMessage message) noexcept;
[[nodiscard]] ServerMessage server_message_from(std::uint8_t type) noexcept;

// Derived from message headers only; metrics/README.md and protocol/traffic_observer.h define the
// words.
enum class TransactionEnd { committed, rolled_back, failed, unknown };
inline constexpr std::size_t transaction_end_count = 4;
[[nodiscard]] std::string_view to_word(TransactionEnd end) noexcept;

// The first two characters of an error's SQLSTATE: PostgreSQL's classes (errcodes.txt).
enum class SqlstateClass : std::uint8_t { other };
inline constexpr std::size_t sqlstate_class_count = 45;
[[nodiscard]] std::string_view to_word(SqlstateClass sqlstate_class) noexcept;
[[nodiscard]] SqlstateClass sqlstate_class_from(std::string_view text) noexcept;

} // namespace pgmoat::metrics
