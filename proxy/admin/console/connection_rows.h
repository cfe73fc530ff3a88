// Live connections as rows: PostgreSQL's pg_stat_ssl, the same with pgmoat's additional facts, and
// the list of clients. A Connection has no cancel key, so none can be shown.
#pragma once

#include "proxy/admin/console/backend.h"
#include "proxy/admin/console/table.h"

#include <array>
#include <string_view>
#include <vector>

namespace pgmoat::admin {

// Exactly those of PostgreSQL 14 to 18.
inline constexpr std::array pg_stat_ssl_columns{
    Column{"pid", Type::int4},
    Column{"ssl", Type::boolean},
    Column{"version"},
    Column{"cipher"},
    Column{"bits", Type::int4},
    Column{"client_dn"},
    Column{"client_serial", Type::numeric},
    Column{"issuer_dn"},
};
inline constexpr std::array pg_stat_ssl_pgmoat_columns{
    Column{"id", Type::int8},
    Column{"pid", Type::int4},
    Column{"usename"},
    Column{"datname"},
    Column{"application_name"},
    Column{"client_addr"},
    Column{"client_port", Type::int4},
    Column{"listener"},
    Column{"mode"},
    Column{"state"},
    Column{"ssl", Type::boolean},
    Column{"version"},
    Column{"cipher"},
    Column{"bits", Type::int4},
    Column{"group"},
    Column{"alpn"},
    Column{"sni"},
    Column{"client_dn"},
    Column{"client_serial", Type::numeric},
    Column{"issuer_dn"},
    Column{"client_not_after", Type::timestamptz},
    Column{"rule"},
    Column{"upstream"},
    Column{"server_addr"},
    Column{"server_version"},
    Column{"server_cipher"},
    Column{"server_group"},
    Column{"bytes_received", Type::int8},
    Column{"bytes_sent", Type::int8},
    Column{"age_seconds", Type::int8},
};
inline constexpr std::array connection_columns{
    Column{"id", Type::int8},
    Column{"pid", Type::int4},
    Column{"usename"},
    Column{"datname"},
    Column{"application_name"},
    Column{"client_addr"},
    Column{"client_port", Type::int4},
    Column{"connect_time", Type::timestamptz},
    Column{"listener"},
    Column{"mode"},
    Column{"state"},
    Column{"version"},
    Column{"cipher"},
    Column{"group"},
    Column{"rule"},
    Column{"upstream"},
    Column{"server_addr"},
};

// PostgreSQL 18's, as far as a proxy knows them: only the server knows what a query does.
inline constexpr std::array pg_stat_activity_columns{
    Column{"datid", Type::oid},
    Column{"datname", Type::name},
    Column{"pid", Type::int4},
    Column{"leader_pid", Type::int4},
    Column{"usesysid", Type::oid},
    Column{"usename", Type::name},
    Column{"application_name"},
    Column{"client_addr"},
    Column{"client_hostname"},
    Column{"client_port", Type::int4},
    Column{"backend_start", Type::timestamptz},
    Column{"xact_start", Type::timestamptz},
    Column{"query_start", Type::timestamptz},
    Column{"state_change", Type::timestamptz},
    Column{"wait_event_type"},
    Column{"wait_event"},
    Column{"state"},
    Column{"backend_xid"},
    Column{"backend_xmin"},
    Column{"query_id", Type::int8},
    Column{"query"},
    Column{"backend_type"},
};

// Connections that have a server: PostgreSQL's view has a row for each backend.
[[nodiscard]] std::vector<Row> pg_stat_ssl_rows(const std::vector<Connection>& connections);
[[nodiscard]] std::vector<Row> pg_stat_activity_rows(const std::vector<Connection>& connections);
[[nodiscard]] std::vector<Row> pg_stat_ssl_pgmoat_rows(const std::vector<Connection>& connections);
[[nodiscard]] std::vector<Row> connection_rows(const std::vector<Connection>& connections);

// At most `bytes`, cut between two characters of UTF-8.
[[nodiscard]] std::string_view cut_text(std::string_view text, std::size_t bytes) noexcept;

// "2026-11-24 08:56:15+00"; NULL for 0.
[[nodiscard]] Cell time_text(std::int64_t unix_seconds);

} // namespace pgmoat::admin
