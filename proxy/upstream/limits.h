// The bounds of reaching a server, each with its reason.
#pragma once

#include <chrono>
#include <cstddef>

namespace pgmoat::upstream {

// The look at a server's certificate at start: a silent server must not hold up the others' turn.
inline constexpr std::chrono::seconds probe_timeout{5};

// The first message of a server, read whole when it is an error, to see whether another attempt or
// host should follow. libpq takes errors of up to 30000 bytes there.
inline constexpr std::size_t first_error_bytes_max = 30'000;

// Passthrough: how often a server that does not encrypt, as far as is known, is asked whether it
// does now. Eight bytes from anyone make it fork once a second at most.
inline constexpr std::chrono::seconds ask_pause{1};
// The client waits for it, and libpq's users rarely set a connect_timeout below this.
inline constexpr std::chrono::seconds ask_timeout{5};

// How long a client waits for the answer to another's question, where nothing is known yet, and how
// often it looks. A server that is there has answered by then; one that is not must not take the
// client's time twice.
inline constexpr std::chrono::seconds ask_patience{1};
inline constexpr std::chrono::milliseconds ask_poll{5};

// Bytes per read while the first answer is waited for.
inline constexpr std::size_t answer_read_bytes = 16 * 1024;

// Without connect_timeout, for an address that is not the last one: a SYN that is lost twice comes
// through in 3 s, and three hosts still fit into PostgreSQL's authentication_timeout of 60 s.
inline constexpr std::chrono::seconds patience{5};

// Of a server's first answer to a startup packet, at a time.
inline constexpr std::size_t first_answer_bytes = 512;

// --- health checks ---------------------------------------------------------------------------------

// Answers in a row before a host takes the place of a primary that has not said itself that it is
// none: one answer may be of a server that was just being replaced.
inline constexpr std::size_t answers_to_replace_primary = 2;
// A host that was the primary until just now must say it more often: two servers that swap roles at
// every look must not take all sessions with them each time.
inline constexpr std::size_t answers_while_settling = 2;
inline constexpr std::chrono::seconds settling{30};

// How often a login looks for a server of the role that it needs, and for how long without
// connect_timeout: as long as it would wait for a server that does not answer.
inline constexpr std::chrono::milliseconds role_poll{50};
inline constexpr std::chrono::seconds role_patience = patience;

// Patroni's answer about a cluster: some hundred bytes for each member.
inline constexpr std::size_t http_body_bytes_max = 256 * 1024;
inline constexpr std::size_t http_header_bytes_max = 16 * 1024;
// Of its answer, at a time.
inline constexpr std::size_t http_read_bytes = 8 * 1024;
// Members that a cluster may have: more is no cluster.
inline constexpr std::size_t cluster_members_max = 256;

} // namespace pgmoat::upstream
