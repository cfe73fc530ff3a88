// Bounds for reaching a server, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>

namespace pgmoat::upstream {

// The probe of a server's certificate at start: a server that does not answer must not delay the
// others.
inline constexpr std::chrono::seconds probe_timeout{5};

// The first message of a server, read completely if it is an error, to decide whether to try
// another attempt or host. libpq accepts errors of up to 30000 bytes there.
inline constexpr std::size_t first_error_bytes_max = 30'000;

// Passthrough: how often a server that refused encryption is asked again. So clients, which can
// cause that with eight bytes, make it fork at most once a second.
inline constexpr std::chrono::seconds ask_pause{1};
// How long asking may take, since a client waits for it; libpq's users rarely set a shorter
// connect_timeout.
inline constexpr std::chrono::seconds ask_timeout{5};

// How long a client waits for the answer to another client's question if nothing is known yet, and
// how often it checks. A working server has answered by then; with another one the client must not
// wait twice.
inline constexpr std::chrono::seconds ask_patience{1};
inline constexpr std::chrono::milliseconds ask_poll{5};

// Bytes per read while waiting for the first answer.
inline constexpr std::size_t answer_read_bytes = 16 * 1024;

// How long to wait for an address other than the last one, without connect_timeout: a SYN that is
// lost twice still arrives within 3 s, and several hosts fit into PostgreSQL's
// authentication_timeout of 60 s.
inline constexpr std::chrono::seconds patience{5};

// Bytes per read of a server's first answer to a startup packet.
inline constexpr std::size_t first_answer_bytes = 512;

// --- health checks ---------------------------------------------------------------------------------

// Answers in a row before a host takes the place of a primary that has not said itself that it is
// none: one answer may be of a server that was just being replaced.
inline constexpr std::size_t answers_to_replace_primary = 2;
// A host that was the primary until just now must say it more often: two servers that swap roles at
// every look must not take all sessions with them each time.
inline constexpr std::size_t answers_while_settling = 2;
inline constexpr std::chrono::seconds settling{30};

// How often a login looks for a server of the role that it needs, and whether the one that it is sent
// to still has it; and how long it looks without connect_timeout: as long as it would wait for a server
// that does not answer.
inline constexpr std::chrono::milliseconds role_poll{50};
inline constexpr std::chrono::seconds role_patience = patience;

// Patroni's answer about a cluster: a few hundred bytes for each member.
inline constexpr std::size_t http_body_bytes_max = 256 * 1024;
inline constexpr std::size_t http_header_bytes_max = 16 * 1024;
// Bytes per read of that answer.
inline constexpr std::size_t http_read_bytes = 8 * 1024;
// Members that a cluster may have: more is not a cluster.
inline constexpr std::size_t cluster_members_max = 256;

} // namespace pgmoat::upstream
