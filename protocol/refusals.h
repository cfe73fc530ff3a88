// PostgreSQL's errors for a client whose first packets it refuses. Used by the client handshake
// machine and by passthrough, which answers for the server before it connects to one. Source:
// PostgreSQL, backend_startup.c, ProcessStartupPacket().
#pragma once

#include "protocol/bytes.h"
#include "protocol/messages.h"
#include "protocol/startup.h"

#include <cstdint>

namespace pgmoat::protocol {

// The first byte of a TLS record of type handshake, with which no startup packet can begin: the
// length would be far above the maximum.
inline constexpr std::uint8_t tls_handshake_record = 0x16;

inline constexpr ErrorText early_bytes_after_ssl_request{
    "08P01",
    "received unencrypted data after SSL request",
    "This could be either a client-software bug or evidence of an attempted man-in-the-middle "
    "attack."};
inline constexpr ErrorText early_bytes_after_gssenc_request{
    "08P01",
    "received unencrypted data after GSSAPI encryption request",
    early_bytes_after_ssl_request.detail};

// The error in the format that the client's version understands; empty where PostgreSQL sends
// nothing.
[[nodiscard]] Bytes encode_refusal(const RefusedStartup& refused);

} // namespace pgmoat::protocol
