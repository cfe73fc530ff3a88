// Every bound of the console, each with its reason. It serves a few people and their tools.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace pgmoat::admin::limits {

// Beside max_connections, so that an operator gets in when everyone else does not; and few, since
// each may hold a whole result.
inline constexpr std::size_t console_sessions_max = 16;
// ... of which these are the most for stats users and everyone together: dashboards that stay must
// not lock out who has to act.
inline constexpr std::size_t stats_sessions_max = 12;

// A statement of the console is a line. Drivers send their names and options with it.
inline constexpr std::uint32_t message_bytes_max = 64 * 1024;

// What one console session may keep. Drivers reuse or close theirs.
inline constexpr std::size_t prepared_statements_max = 256;
inline constexpr std::size_t portals_max = 64;
// Of statements, portals, and literals that come back: drivers use 63 bytes at most, as PostgreSQL.
inline constexpr std::size_t name_bytes_max = 1024;
// Rows that portals have not given yet; one answer may go beyond. 1 or 2 KB each.
inline constexpr std::size_t rows_held_max = 20'000;

// A forgotten psql must not hold one of the few slots for ever; \watch keeps one for as long as
// someone wants.
inline constexpr std::chrono::hours idle_max{1};

// For one piece of an answer: a client that does not read holds the rest of it in our memory.
inline constexpr std::chrono::seconds write_time_max{60};

// Bytes per read and per write; what is sent before more is put behind it.
inline constexpr std::size_t read_bytes = 16 * 1024;
inline constexpr std::size_t write_bytes = 64 * 1024;

// PostgreSQL's pg_stat_ssl cuts its texts to NAMEDATALEN - 1 bytes.
inline constexpr std::size_t pg_stat_ssl_text_bytes = 63;

} // namespace pgmoat::admin::limits
