// The state of the proxy as rows: listeners, upstreams, rules, limits, certificates, counts, versions.
#pragma once

#include "proxy/admin/console/backend.h"
#include "proxy/admin/console/table.h"

#include <array>
#include <vector>

namespace pgmoat::admin {

inline constexpr std::array listener_columns{
    Column{"name"},
    Column{"addresses"},
    Column{"port", Type::int4},
    Column{"unix_socket_directories"},
    Column{"tls_mode"},
    Column{"upstream"},
    Column{"connections", Type::int8},
};
inline constexpr std::array upstream_columns{
    Column{"name"},
    Column{"host"},
    Column{"port", Type::int4},
    Column{"sslmode"},
    Column{"connections", Type::int8},
    Column{"connected", Type::int8}, // attempts since the start
    Column{"failed", Type::int8},
    Column{"last_error"},
    Column{"last_error_at", Type::timestamptz},
    Column{"state"}, // at the last attempt: up, down; untried
    Column{"state_since", Type::timestamptz},
    Column{"address"}, // of the last attempt
    Column{"certificate_expires", Type::timestamptz},
    Column{"role"}, // by the health check or logins: primary, standby; unknown
    Column{"role_since", Type::timestamptz},
    Column{"lag_bytes", Type::int8},
    Column{
        "health"}, // of the check: ok, failing; waiting. by login: no check, and health_since the last login
    Column{"health_since", Type::timestamptz},
    Column{"health_error"}, // the last one
    Column{"health_error_at", Type::timestamptz},
};
// The first ones are pg_hba_file_rules'.
inline constexpr std::array rule_columns{
    Column{"rule_number", Type::int4},
    Column{"file_name"},
    Column{"line_number", Type::int4},
    Column{"type"},
    Column{"database", Type::text_array},
    Column{"user_name", Type::text_array},
    Column{"address"},
    Column{"netmask"},
    Column{"auth_method"},
    Column{"options", Type::text_array},
    Column{"hits", Type::int8},
    Column{"refused", Type::int8},
    Column{"last_hit", Type::timestamptz},
};
// PostgreSQL 16 to 18; a rule with an error never gets into force here.
inline constexpr std::array pg_hba_file_rules_columns{
    Column{"rule_number", Type::int4},
    Column{"file_name"},
    Column{"line_number", Type::int4},
    Column{"type"},
    Column{"database", Type::text_array},
    Column{"user_name", Type::text_array},
    Column{"address"},
    Column{"netmask"},
    Column{"auth_method"},
    Column{"options", Type::text_array},
    Column{"error"},
};
inline constexpr std::array certificate_columns{
    Column{"file"},
    Column{"subject"},
    Column{"dns_names"},
    Column{"issuer"},
    Column{"serial", Type::numeric},
    Column{"not_before", Type::timestamptz},
    Column{"not_after", Type::timestamptz},
};
inline constexpr std::array stats_columns{
    Column{"listener"},
    Column{"connections_opened", Type::int8},
    Column{"connections_closed", Type::int8},
    Column{"startup_errors", Type::int8},
    Column{"tls_handshakes", Type::int8},
    Column{"tls_handshake_failures", Type::int8},
    Column{"denied", Type::int8},
    Column{"upstream_failed", Type::int8},
    Column{"login_failed", Type::int8},
    Column{"bytes_received", Type::int8},
    Column{"bytes_sent", Type::int8},
};
inline constexpr std::array limit_columns{
    Column{"name"},
    Column{"setting"},                        // NULL: no limit
    Column{"now", Type::int8},                // of all clients, or the most of one address
    Column{"addresses", Type::int8},          // that are at the limit
    Column{"refused", Type::int8},            // or delayed, since the start
    Column{"most_refused", Type::text_array}, // addresses
};
inline constexpr std::array address_columns{
    Column{"address"},
    Column{"connections", Type::int8},
    Column{"refused", Type::int8},
    Column{"failed_logins", Type::int8}, // that still count
    Column{"delayed", Type::boolean},    // its logins wait
    Column{"waiting", Type::int8},       // logins that wait now
};
inline constexpr std::array version_columns{
    Column{"version"},
    Column{"openssl_build"},
    Column{"openssl_runtime"},
};

[[nodiscard]] std::vector<Row> listener_rows(const config::Config& config,
                                             const std::vector<Connection>& connections);
// One for each host, in the order in which they are tried.
[[nodiscard]] std::vector<Row> upstream_rows(const Snapshot& snapshot);
[[nodiscard]] std::vector<Row> rule_rows(const std::vector<RuleView>& rules);
[[nodiscard]] std::vector<Row> pg_hba_file_rules_rows(const std::vector<RuleView>& rules);
[[nodiscard]] std::vector<Row>
certificate_rows(const std::vector<OwnCertificateView>& certificates);
[[nodiscard]] std::vector<Row> stats_rows(const metrics::Totals& totals);
[[nodiscard]] std::vector<Row> limit_rows(const telemetry::LimitStates& states);
[[nodiscard]] std::vector<Row> address_rows(const telemetry::LimitStates& states);
[[nodiscard]] std::vector<Row> version_rows();

} // namespace pgmoat::admin
