// The client's side of one attempt to reach a PostgreSQL server: ask for TLS as sslmode says, start
// it, forward the startup packet or a cancel request. Sans-IO like the client handshake machine.
// Which attempts follow each other (allow: plain then TLS, prefer: TLS then plain) is decided by
// next_attempt(); each attempt is a new connection and a new machine, so nothing survives from one
// to the next (CVE-2018-10915).
//
//   state        | input                    | action, next state
//   -------------+--------------------------+------------------------------------------------------
//   start        | begin, plain             | ready (in plaintext)
//                | begin, TLS               | write SSLRequest               -> asked
//                | begin, direct TLS        | start TLS                      -> tls
//   asked        | written                  | read 1                         -> answer
//   answer       | S                        | look for early bytes           -> early bytes
//                | N, TLS not required      | look for early bytes           -> early bytes
//                | N, TLS required          | fail tls_refused
//                | anything else, E too     | fail bad_answer; the text is never read
//                | end of stream            | fail end_of_stream
//   early bytes  | present                  | fail early_bytes (CVE-2021-23222)
//                | none, after S            | start TLS                      -> tls
//                | none, after N            | ready (in plaintext)
//   tls          | started                  | ready (in TLS)
//                | direct, no ALPN          | fail no_alpn
//
// Source: libpq, fe-connect.c, PQconnectPoll(), states CONNECTION_SSL_STARTUP and friends.
#pragma once

#include "protocol/bytes.h"
#include "protocol/client_handshake.h" // the driver's actions: ReadExactly, WriteBytes, ...

#include <optional>
#include <string_view>
#include <variant>

namespace pgmoat::protocol {

// libpq's names, in its order.
enum class SslMode { disable, allow, prefer, require, verify_ca, verify_full };

// libpq's sslnegotiation.
enum class SslNegotiation { postgres, direct };

// One attempt on one connection.
enum class Attempt {
    plain,          // no SSLRequest at all
    tls_if_offered, // SSLRequest; after N, plaintext on this connection
    tls_required,   // SSLRequest; N is a failure
    tls_direct,     // ClientHello at once
};

// Why an attempt ended, as far as the order of attempts depends on it.
enum class AttemptFailure {
    connect,       // not connected, or the connection broke before any agreement
    tls_handshake, // TLS was agreed and its handshake failed
    server_error,  // the server answered the startup packet with an error (not 57P03)
    server_error_57p03,
    protocol, // a protocol violation: bad answer, early bytes
};

// The first attempt for these settings. `local_socket`: TLS is never tried on a unix socket,
// whatever the mode is. Direct negotiation is used only if TLS is required: libpq refuses it with a
// weaker mode before it connects, and so does our configuration.
[[nodiscard]] Attempt first_attempt(SslMode mode, SslNegotiation negotiation, bool local_socket);

// What libpq would try next on the same host (a new connection), or nothing. `tls_was_used`: the
// startup packet went out inside TLS. For a Unix socket pass SslMode::disable: there libpq never
// tries TLS.
[[nodiscard]] std::optional<Attempt>
next_attempt(SslMode mode, Attempt failed, AttemptFailure why, bool tls_was_used);

struct StartClientTls {
    bool direct;
};
// The connection may now carry the startup packet or a cancel request.
struct ServerReady {
    bool tls;
};
struct FailAttempt {
    enum class Reason {
        end_of_stream, // closed before it answered SSLRequest
        tls_refused,   // N although TLS is required
        bad_answer,    // neither S nor N; an error text is not trusted (CVE-2024-10977)
        early_bytes,   // more than the one byte (CVE-2021-23222)
        no_alpn,       // direct TLS without ALPN
    };
    Reason reason;
    std::string_view log_text; // libpq's own words where it has some
};

using ServerHandshakeAction = std::
    variant<WriteBytes, ReadExactly, LookForEarlyBytes, StartClientTls, ServerReady, FailAttempt>;

using ServerHandshakeInput =
    std::variant<Begin, BytesRead, EndOfStream, EarlyBytes, Written, TlsStarted>;

class ServerHandshake {
  public:
    explicit ServerHandshake(Attempt attempt) noexcept : attempt_(attempt) {}

    // The first call passes Begin. An input that does not answer the last action is a bug in the
    // driver and asserts. Must not be called again after ServerReady or FailAttempt. If connecting,
    // writing or the TLS handshake fails, the driver closes and does not call again.
    [[nodiscard]] ServerHandshakeAction resume(const ServerHandshakeInput& input);

  private:
    enum class State { start, asked, answer, early_bytes, tls, done };

    ServerHandshakeAction on_start();
    ServerHandshakeAction on_answer(const ServerHandshakeInput& input);
    ServerHandshakeAction on_early_bytes(const EarlyBytes& early);
    ServerHandshakeAction on_tls(const TlsStarted& started);

    ServerHandshakeAction look_for_early_bytes();
    ServerHandshakeAction start_tls();
    ServerHandshakeAction ready(bool tls);
    ServerHandshakeAction fail(FailAttempt::Reason reason, std::string_view log_text);

    Attempt attempt_;
    State state_ = State::start;
    bool accepted_ = false; // the answer was S
};

} // namespace pgmoat::protocol
