// The server's side of a connection's first packets: what a client may send until its startup
// packet or cancel request is complete. Sans-IO: the driver performs the action, then calls
// resume() with its result. Only client_handshake.cpp changes the state; the driver never reads
// past what the machine asked for.
//
//   state          | input                         | action, next state
//   ---------------+-------------------------------+---------------------------------------------
//   start          | begin                         | peek at a byte              -> first byte
//   first byte     | 0x16, TLS possible            | start TLS (direct)          -> direct TLS
//                  | 0x16, TLS not possible        | close, nothing sent
//                  | any other                     | read 4                      -> length
//                  | end of stream                 | close, silent
//   direct TLS     | started, ALPN negotiated      | read 4                      -> length
//                  | started, no ALPN              | close, nothing sent
//   length         | 8..10004                      | read the rest               -> body
//                  | any other, as signed          | close, nothing sent
//                  | end of stream                 | close, silent before the first byte
//   body           | SSLRequest that is accepted   | write S                     -> answered S
//                  | SSLRequest, GSSENCRequest     | in plaintext: look for early bytes
//                  |                               |                             -> early bytes
//                  |                               | in TLS: write N             -> answered N
//                  | CancelRequest, Startup        | finished
//                  | refused                       | close with or without a farewell
//                  | end of stream                 | close, nothing sent
//   early bytes    | present or not                | write N                     -> answered N
//   answered S     | written                       | start TLS                   -> in TLS
//   in TLS         | started                       | read 4                      -> length
//   answered N     | written, no early bytes       | read 4                      -> length
//                  | written, early bytes          | close with a farewell (08P01)
//
// SSLRequest and GSSENCRequest are accepted once each, and neither after S: a repeated one is an
// unsupported version, so the machine ends after two requests at the latest (CVE-2026-6479). An
// SSLRequest is accepted when TLS is possible and not yet in use. The length word is read alone
// because PostgreSQL checks it before it waits for more. Early bytes are looked for before N is
// sent: afterwards a quick client may already have sent its next packet. Before S this is not
// needed: bytes after SSLRequest stay unread and go to the TLS handshake.
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

// Wait until a byte can be read, and leave it unread. Answer: ByteSeen or EndOfStream.
struct PeekByte {};
// Read exactly this many bytes. Answer: BytesRead or EndOfStream.
struct ReadExactly {
    std::size_t bytes;
};
// Check, without waiting, whether the client has already sent more plaintext (asked only while the
// connection is in plaintext). Answer: EarlyBytes.
struct LookForEarlyBytes {};
// Send these bytes. Answer: Written.
struct WriteBytes {
    Bytes bytes;
};
// Run the TLS handshake as the server; every byte from here on belongs to it. Answer: TlsStarted.
// If it fails, the driver closes and does not call again.
struct StartServerTls {
    bool direct; // the client began with TLS, without SSLRequest
};
// The connection must end. `farewell`, unless empty, is sent first, inside TLS if TLS is active.
struct CloseHandshake {
    enum class Reason {
        end_of_stream, // before the first byte of a packet: routine, never logged
        incomplete_packet,
        bad_length,
        bad_layout,
        unsupported_version,
        bad_value,
        no_user,
        bad_cancel,
        early_bytes,     // plaintext after a refused SSLRequest or GSSENCRequest
        tls_not_enabled, // direct TLS where TLS is off or the socket is a Unix one
        no_alpn,         // direct TLS without ALPN
    };
    Reason reason;
    std::string log_text; // PostgreSQL's text; empty: nothing to log
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

// Which requests the client has sent so far: for metrics and logs.
struct ClientHandshakeFacts {
    bool ssl_requested = false;
    bool gssenc_requested = false;
    bool direct_tls = false;
    bool tls = false; // the connection is in TLS now
};

class ClientHandshake {
  public:
    // `tls_possible`: TLS is configured and the socket is TCP. On a Unix socket PostgreSQL answers
    // N and refuses direct TLS.
    explicit ClientHandshake(bool tls_possible) noexcept : tls_possible_(tls_possible) {}

    // The first call passes Begin. An input that does not answer the last action is a bug in the
    // driver and asserts. Must not be called again after CloseHandshake or HandshakeFinished.
    [[nodiscard]] ClientHandshakeAction resume(const ClientHandshakeInput& input);

    [[nodiscard]] const ClientHandshakeFacts& facts() const noexcept { return facts_; }

  private:
    enum class State {
        start,
        first_byte,
        direct_tls,
        length,
        body,
        early_bytes,
        answered_s,
        in_tls,
        answered_n,
        done
    };
    enum class Request { ssl, gssenc };

    ClientHandshakeAction on_first_byte(const ClientHandshakeInput& input);
    ClientHandshakeAction on_direct_tls(const TlsStarted& started);
    ClientHandshakeAction on_length(const ClientHandshakeInput& input);
    ClientHandshakeAction on_body(const ClientHandshakeInput& input);
    ClientHandshakeAction on_packet(StartupPacket packet);
    ClientHandshakeAction on_in_tls();
    ClientHandshakeAction on_answered_n();

    ClientHandshakeAction read_length();
    ClientHandshakeAction answer_request(Request request);
    ClientHandshakeAction write_s();
    ClientHandshakeAction write_n();
    ClientHandshakeAction refuse(const RefusedStartup& refused);
    ClientHandshakeAction cut_short_in_length(std::size_t bytes_before);
    ClientHandshakeAction
    close(CloseHandshake::Reason reason, std::string log_text, Bytes farewell = {});

    bool tls_possible_;
    State state_ = State::start;
    ClientHandshakeFacts facts_;
    // As in PostgreSQL: a request that was answered is not accepted again. S sets both.
    bool ssl_done_ = false;
    bool gss_done_ = false;
    // The request that is being refused, and whether bytes came after it: N is sent first.
    Request refused_request_ = Request::ssl;
    bool early_bytes_ = false;
    Bytes packet_; // the current packet as far as read; grows only after its length was checked
};

} // namespace pgmoat::protocol
