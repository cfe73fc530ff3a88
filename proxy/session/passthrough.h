// Passthrough up to the hand-over: client and server negotiate TLS, and their plaintext (requests,
// ClientHello, ServerHello) is read before it is passed on. pgmoat connects to a server only once a
// complete ClientHello or startup packet has arrived. Nothing that is not part of a TLS handshake
// reaches the other side between S and the ServerHello.
#pragma once

#include "protocol/startup.h"
#include "protocol/tls_hello.h"
#include "proxy/io/stream.h"
#include "proxy/session/close_reason.h"

#include <optional>
#include <variant>

namespace pgmoat::session {

// What a client began with on a passthrough listener.
struct DirectTls {};
using FirstPacket = std::variant<DirectTls,
                                 protocol::SslRequest,
                                 protocol::GssEncRequest,
                                 protocol::CancelRequest,
                                 protocol::StartupMessage,
                                 Ended>;

// Reads the next packet and not a byte more. `first`: direct TLS is possible. A packet that
// PostgreSQL would refuse gets PostgreSQL's error.
struct RequestsSeen {
    bool first = true;
    bool ssl = false;
    bool gssenc = false;
};
[[nodiscard]] Awaitable<FirstPacket> read_first_packet(io::Stream& client, RequestsSeen& seen);

// Answers an SSLRequest or GSSENCRequest with one byte.
[[nodiscard]] Awaitable<Stop> answer_request(io::Stream& client, char answer, bool gssenc_request);

// Reads the complete ClientHello before a byte of it is forwarded. `bytes` is what was read.
struct ReadHello {
    Stop stop;
    protocol::ClientHelloFacts facts;
    protocol::Bytes bytes;
};
[[nodiscard]] Awaitable<ReadHello> read_client_hello(io::Stream& client);

// Reads the server's answer to the ClientHello until its facts are known; `answer` is what has
// arrived already. `flight` is what the server sent: it must be sent to the client next, unless the
// rules refuse the facts. Only a HelloRetryRequest was sent on before.
struct PassedHello {
    Stop stop;
    protocol::ServerHelloFacts facts;
    std::optional<std::uint8_t> alert;
    protocol::Bytes flight;
};
[[nodiscard]] Awaitable<PassedHello> pass_server_hello(io::Stream& client,
                                                       io::Stream& server,
                                                       const ReadHello& hello,
                                                       protocol::Bytes answer);

// Ends a client's passed-through TLS handshake with a fatal alert, which is plaintext until the
// ServerHello was sent (RFC 8446 section 6.2).
namespace alert {
inline constexpr std::uint8_t illegal_parameter = 47;
inline constexpr std::uint8_t access_denied = 49;
inline constexpr std::uint8_t insufficient_security = 71;
inline constexpr std::uint8_t internal_error = 80;
} // namespace alert
[[nodiscard]] Awaitable<void> send_alert(io::Stream& client, std::uint8_t description);

} // namespace pgmoat::session
