// The server's side of a connection's first packets: what a client may say until its startup packet
// or cancel request is complete. Sans-IO: the driver performs the action, then calls resume() with
// what came of it. Only client_handshake.cpp changes the state; the driver never reads past what
// the machine asked for.
//
//   state          | input                        | action, next state
//   ---------------+------------------------------+----------------------------------------------
//   first byte     | 0x16, TLS possible           | start TLS (direct)          -> direct TLS
//                  | 0x16, TLS not possible       | close, nothing sent
//                  | any other                    | read 8                      -> head
//                  | end of stream                | close, silent
//   direct TLS     | started, ALPN negotiated     | read 8                      -> head
//                  | started, no ALPN             | close
//   head           | 8 bytes, length in 8..10004  | read the rest, if any       -> body
//                  | bad length                   | close, nothing sent
//   body           | SSLRequest, GSSENCRequest    | look for early bytes        -> early bytes
//                  | CancelRequest, Startup       | finished
//                  | refused                      | close with or without a farewell
//   early bytes    | SSLRequest that is accepted  | write S                     -> answered S
//                  | otherwise                    | write N                     -> answered N
//   answered S     | written                      | start TLS                   -> in TLS
//   in TLS         | started                      | read 8                      -> head
//   answered N     | written, no early bytes      | read 8                      -> head
//                  | written, early bytes         | close with a farewell (08P01)
//
// Source: PostgreSQL 18, backend_startup.c, ProcessSSLStartup() and ProcessStartupPacket().
#pragma once

#include "protocol/bytes.h"
#include "protocol/startup.h"

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

namespace pgmoat::protocol {

// --- what the driver must do -------------------------------------------------------------------

// Wait until a byte can be read and leave it where it is. Answer: ByteSeen or EndOfStream.
struct PeekByte {};
// Read exactly this many bytes. Answer: BytesRead or EndOfStream.
struct ReadExactly {
    std::size_t bytes;
};
// Look, without waiting, whether the client already sent more in the clear (only asked when the
// connection is in the clear). Answer: EarlyBytes.
struct LookForEarlyBytes {};
// Send these bytes. Answer: Written.
struct WriteBytes {
    Bytes bytes;
};
// Run the TLS handshake as the server; every byte from here on belongs to it.
// Answer: TlsStarted. If it fails the driver closes and does not come back.
struct StartServerTls {
    bool direct; // the client began with TLS instead of asking
};
// The connection must end. `farewell` is sent first (empty: not a word), inside TLS if TLS is up.
struct CloseHandshake {
    enum class Reason {
        end_of_stream,         // before the first byte of a packet: routine, never logged
        incomplete_packet,
        bad_length,
        bad_layout,
        unsupported_version,
        bad_value,
        no_user,
        bad_cancel,
        early_bytes,           // plaintext behind a refused SSLRequest or GSSENCRequest
        tls_not_enabled,       // direct TLS where TLS is off or the socket is local
        no_alpn,               // direct TLS without ALPN
    };
    Reason reason;
    std::string log_text;      // PostgreSQL's own words; empty: nothing to log
    Bytes farewell;
};
struct HandshakeFinished {
    std::variant<StartupMessage, CancelRequest> request;
};

using ClientHandshakeAction = std::variant<PeekByte,
                                           ReadExactly,
                                           LookForEarlyBytes,
                                           WriteBytes,
                                           StartServerTls,
                                           CloseHandshake,
                                           HandshakeFinished>;

// --- what the driver tells -----------------------------------------------------------------------

struct Begin {};
struct ByteSeen {
    std::uint8_t byte;
};
struct BytesRead {
    ByteView bytes; // as many as were asked for
};
struct EndOfStream {
    std::size_t bytes_before = 0; // read of this request before the end
};
struct EarlyBytes {
    bool present;
};
struct Written {};
struct TlsStarted {
    bool alpn_negotiated; // the peers agreed on "postgresql"
};

using ClientHandshakeInput =
    std::variant<Begin, ByteSeen, BytesRead, EndOfStream, EarlyBytes, Written, TlsStarted>;

// What the kind of startup packets seen so far was: for metrics and logs.
struct ClientHandshakeFacts {
    bool ssl_requested = false;
    bool gssenc_requested = false;
    bool direct_tls = false;
    bool tls = false; // the connection is in TLS now
};

class ClientHandshake {
  public:
    // `tls_possible`: TLS is configured and the socket is TCP. On a unix socket PostgreSQL answers
    // N and refuses direct TLS.
    explicit ClientHandshake(bool tls_possible) noexcept : tls_possible_(tls_possible) {}

    // The first call passes Begin. An input that does not answer the last action is a bug in the
    // driver and asserts. Must not be called again after CloseHandshake or HandshakeFinished.
    [[nodiscard]] ClientHandshakeAction resume(const ClientHandshakeInput& input);

    [[nodiscard]] const ClientHandshakeFacts& facts() const noexcept { return facts_; }

  private:
    enum class State { start, first_byte, direct_tls, head, body, early_bytes, answered_s, answered_n, in_tls, done };

    bool tls_possible_;
    State state_ = State::start;
    ClientHandshakeFacts facts_;
    // The helper that implements this adds what it needs here.
};

} // namespace pgmoat::protocol
