// Bounds for what the configuration reads, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pgmoat::config::limits {

// PostgreSQL's CONF_FILE_MAX_DEPTH (conffiles.h): the main file is at level 0.
inline constexpr int include_depth_max = 10;

// PostgreSQL stops reading a file after so many syntax errors (guc-file.l).
inline constexpr int syntax_errors_per_file_max = 100;

// A hundred times what anyone writes; stops reading a device or the wrong file.
inline constexpr std::size_t file_bytes_max = std::size_t{1} << 20;

// Within the depth limit, files that include each other twice would be 2^10 files.
inline constexpr int files_max = 256;

// Table files (pg_hba.conf and the like), with their includes: ten thousand rules are a tenth of
// it, and it stops files that include each other repeatedly.
inline constexpr std::size_t table_bytes_max = 16 * file_bytes_max;
inline constexpr std::size_t table_tokens_max = 500'000;

// Names of upstreams and listeners become metric labels and log fields: PostgreSQL's limit for
// names (NAMEDATALEN - 1).
inline constexpr std::size_t name_bytes_max = 63;

// Each listener address is a socket, and each upstream host an attempt: more is a scripting
// mistake.
inline constexpr std::size_t hosts_per_upstream_max = 64;

// A host name built from what a client asked for: RFC 1035 allows 255 bytes on the wire, 253 as
// text.
inline constexpr std::size_t host_name_bytes_max = 253;
inline constexpr std::size_t addresses_per_listener_max = 64;

// Each is a metric label, and every listener's sockets are compared with every other's.
inline constexpr std::size_t listeners_max = 64;
inline constexpr std::size_t upstreams_max = 256;

// Health checks. A shorter interval would be useless load: a failover takes seconds.
inline constexpr int health_interval_ms_min = 200;
inline constexpr int health_interval_ms_max = 3'600'000;
inline constexpr int health_timeout_ms_min = 100;
inline constexpr int health_timeout_ms_max = 60'000;
// Addresses of Patroni's REST API: one for each member.
inline constexpr std::size_t patroni_urls_max = 64;
// Hosts checked by SQL: each needs a connection and a thread.
inline constexpr std::size_t sql_checked_hosts_max = 256;

// sun_path of sockaddr_un has 108 bytes including the NUL (unix(7)).
inline constexpr std::size_t unix_socket_path_bytes_max = 107;

// Users in a file of SCRAM secrets: about as many as fit into file_bytes_max. For more, use
// auth_query.
inline constexpr std::size_t auth_file_users_max = 10'000;

// More threads than any machine this runs on has cores.
inline constexpr int threads_max = 256;
// The longest time that a core may spin after the last bytes. For answers that take longer, the
// delay of a wake-up does not matter.
inline constexpr int relay_spin_us_max = 10000;

// Each is a handful of time series that end with the connection, and Prometheus pays for every one.
// With client text in its labels, a connection may need 2 KB, and all are built at once on a
// control thread.
inline constexpr int connection_metrics_max = 10'000;

// Host names in pg_hosts.conf. Each line is a context of at least 20 KiB, loaded at every reload.
inline constexpr std::size_t host_names_max = 10'000;

// The number in a rate, and its time: more logins than any server handles, over at most an hour.
// (Their product in nanoseconds still fits in 64 bits.)
inline constexpr std::uint32_t rate_number_max = 100'000;
inline constexpr int rate_time_ms_max = 3'600'000;
inline constexpr int failed_login_delay_ms_max = 60'000;

// Networks in a list. Each new connection is compared with all of them.
inline constexpr std::size_t networks_max = 64;

// Entries of the address table, of about a hundred bytes each. With fewer, addresses would evict
// each other; no number of connections needs more.
inline constexpr int address_table_min = 1'024;
inline constexpr int address_table_max = 4'194'304;

// An unknown name longer than the longest setting is not a typing error.
inline constexpr std::size_t mistyped_name_bytes_max = 64;

} // namespace pgmoat::config::limits
