// The passthrough story up to the hand-over: TLS is agreed between the client and the server, and
// what they say in the clear on the way (requests, ClientHello, ServerHello) is read as it passes.
// Nothing that is not part of a TLS handshake reaches the other side between S and the ServerHello.
#pragma once

#include "protocol/startup.h"
#include "protocol/tls_hello.h"
#include "proxy/control/outcome.h"
#include "proxy/control/stream.h"

#include <optional>
#include <variant>

namespace pgmoat::control {

// What a client began with on a passthrough listener.
struct DirectTls {};
using FirstPacket = std::variant<DirectTls,
                                 protocol::SslRequest,
                                 protocol::GssEncRequest,
                                 protocol::CancelRequest,
                                 protocol::StartupMessage,
                                 Ended>;

// Reads the next packet and not a byte more. `first`: direct TLS is possible. What PostgreSQL would
// refuse is answered in its words.
struct RequestsSeen {
    bool first = true;
    bool ssl = false;
    bool gssenc = false;
};
[[nodiscard]] Awaitable<FirstPacket> read_first_packet(Stream& client, RequestsSeen& seen);

// Forwards an SSLRequest or GSSENCRequest and gives the server's one byte to the client.
struct ServerAnswer {
    Stop stop;
    char answer = 0; // 'S', 'G' or 'N'
};
[[nodiscard]] Awaitable<ServerAnswer>
ask_server(Stream& client, Stream& server, bool gssenc_request);

// Reads the client's ClientHello whole before a byte of it is forwarded. `bytes` is what was read.
struct ReadHello {
    Stop stop;
    protocol::ClientHelloFacts facts;
    protocol::Bytes bytes;
};
[[nodiscard]] Awaitable<ReadHello> read_client_hello(Stream& client);

// Sends the ClientHello on and lets both sides talk until the ServerHello has passed.
struct PassedHello {
    Stop stop;
    protocol::ServerHelloFacts facts;
    std::optional<std::uint8_t> alert;
};
[[nodiscard]] Awaitable<PassedHello>
pass_server_hello(Stream& client, Stream& server, protocol::ByteView client_hello);

} // namespace pgmoat::control
