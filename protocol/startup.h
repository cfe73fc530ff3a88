// The packets that may open a PostgreSQL connection, parsed from a complete packet. Pure. Source:
// PostgreSQL, src/backend/tcop/backend_startup.c, ProcessStartupPacket().
#pragma once

#include "protocol/bytes.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace pgmoat::protocol {

// The codes of pqcomm.h; the upper half is the major version.
inline constexpr std::uint32_t cancel_request_code = 80'877'102; // 1234.5678
inline constexpr std::uint32_t ssl_request_code = 80'877'103;    // 1234.5679
inline constexpr std::uint32_t gssenc_request_code = 80'877'104; // 1234.5680

struct ProtocolVersion {
    std::uint16_t major = 0;
    std::uint16_t minor = 0;
    bool operator==(const ProtocolVersion&) const = default;
};

// How `replication` was asked for. Physical replication has no database and matches only
// `replication` in pg_hba.conf; logical replication is a connection to a database.
enum class Replication { none, physical, logical };

// A startup packet as PostgreSQL understands it. `packet` is the packet as the client sent it,
// including its length word: it goes to the server unchanged.
struct StartupMessage {
    ProtocolVersion version;
    std::string user;     // cut to name_bytes_max
    std::string database; // defaults to user; empty for physical replication
    Replication replication = Replication::none;
    std::string application_name;              // empty when not sent; for logs only
    std::vector<std::string> protocol_options; // names with the `_pq_.` prefix
    Bytes packet;
};

// The cancel key is secret: compared and forwarded, never logged.
struct CancelRequest {
    std::uint32_t process_id = 0;
    Bytes key;
    Bytes packet; // as received, to be forwarded unchanged
};

struct SslRequest {};
struct GssEncRequest {};

// A packet that PostgreSQL answers with a FATAL error, or closes without an answer.
struct RefusedStartup {
    enum class Reason { unsupported_version, bad_layout, bad_value, no_user, bad_cancel };
    Reason reason;
    ProtocolVersion version;   // decides the format of the error: see wants_old_error_format()
    std::string_view sqlstate; // empty: close silently, `message` is for the log only
    std::string message;       // may hold what the client sent: escaped where it is logged
    std::string detail;
    std::string hint;
};

using StartupPacket =
    std::variant<SslRequest, GssEncRequest, CancelRequest, StartupMessage, RefusedStartup>;

// `packet` is complete: its length word has been checked to lie within startup_length_min and
// startup_length_max and equals packet.size(). `ssl_done` and `gss_done` say which requests were
// already answered: a repeated one is an unsupported version, as in PostgreSQL.
[[nodiscard]] StartupPacket parse_startup_packet(ByteView packet, bool ssl_done, bool gss_done);

// Clients older than 3.0 only understand errors in the format of protocol 2. Version 0.0 gets the
// modern format: in PostgreSQL's elog.c zero means that the version is not known yet.
[[nodiscard]] bool wants_old_error_format(ProtocolVersion version) noexcept;

} // namespace pgmoat::protocol
