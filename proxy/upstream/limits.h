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

} // namespace pgmoat::upstream
