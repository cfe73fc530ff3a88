// Bounds of the console, each with its reason. It serves a few people and their tools.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace pgmoat::admin::limits {

// Separate from max_connections, so that an operator gets in when no client does; and few, since
// each may hold a whole result.
inline constexpr std::size_t console_sessions_max = 16;
// ... of which stats users may occupy at most this many: permanent dashboards must not lock out
// operators.
inline constexpr std::size_t stats_sessions_max = 12;

// A console statement is a line; drivers add their names and options.
inline constexpr std::uint32_t message_bytes_max = 64 * 1024;

// What one console session may keep. Drivers reuse or close theirs.
inline constexpr std::size_t prepared_statements_max = 256;
inline constexpr std::size_t portals_max = 64;
// The translations of statements that were prepared.
inline constexpr std::size_t prepared_bytes_max = 2 * 1024 * 1024;
// Each holds a snapshot from when it began: 1 or 2 KB for each connection.
inline constexpr std::size_t open_cursors_max = 4;
// Of statements, portals, and literals that are returned: drivers use at most 63 bytes, as
// PostgreSQL.
inline constexpr std::size_t name_bytes_max = 1024;
// Time that a statement may use on the one thread that all console sessions share.
inline constexpr std::chrono::milliseconds statement_time_max{2000};
// SQLite's memory for all sessions together: sorting 100,000 connections by any column fits.
inline constexpr std::int64_t sql_heap_bytes_max = 128LL * 1024 * 1024;
// One value, such as a string_agg() of all client addresses.
inline constexpr int sql_value_bytes_max = 1024 * 1024;
// The translation of a statement of 64 KB, with its quotes and brackets.
inline constexpr int sql_text_bytes_max = 1024 * 1024;
inline constexpr int sql_columns_max = 200;
inline constexpr int sql_expression_depth_max = 500;
inline constexpr int sql_compounds_max = 20;
inline constexpr int sql_program_max = 100'000;
// Nesting of brackets: SQLite's parser has a stack of 100.
inline constexpr std::size_t nesting_max = 40;
inline constexpr std::size_t tokens_max = 10'000;
inline constexpr std::size_t parameters_max = 100;
// For LIKE, whose time is the product of both lengths, and for regular expressions.
inline constexpr std::size_t pattern_bytes_max = 1024;
inline constexpr std::int64_t regex_bytes_max = 1024 * 1024;
inline constexpr std::size_t savepoints_max = 64;
// Parameters that a session has invented, as `SET my.name = ...`.
inline constexpr std::size_t session_parameters_max = 64;

// A forgotten psql must not hold one of the few slots for ever; \watch may keep one as long as it
// runs.
inline constexpr std::chrono::hours idle_max{1};

// How often a session that waits for a reload checks whether it has finished.
inline constexpr std::chrono::milliseconds reload_poll{50};

// For one piece of an answer: a client that does not read holds the rest of it in our memory.
inline constexpr std::chrono::seconds write_time_max{60};

// Bytes per read and per write; smaller outputs are combined up to this.
inline constexpr std::size_t read_bytes = 16 * 1024;
inline constexpr std::size_t write_bytes = 64 * 1024;

// PostgreSQL's pg_stat_ssl cuts its texts to NAMEDATALEN - 1 bytes.
inline constexpr std::size_t pg_stat_ssl_text_bytes = 63;

} // namespace pgmoat::admin::limits
