// Bounds of everything that the configuration reads, each with its reason.
#pragma once

#include <cstddef>
#include <cstdint>

namespace pgmoat::config::limits {

// PostgreSQL's CONF_FILE_MAX_DEPTH (conffiles.h): the main file is level 0.
inline constexpr int include_depth_max = 10;

// PostgreSQL gives a file up after so many syntax errors (guc-file.l): the rest would be noise.
inline constexpr int syntax_errors_per_file_max = 100;

// A hundred times what anyone writes; ends the reading of a device or of the wrong file.
inline constexpr std::size_t file_bytes_max = std::size_t{1} << 20;

// Files that include each other twice would be 2^10 files within the depth limit.
inline constexpr int files_max = 256;

// Table files (pg_hba.conf and the like), with everything they include: ten thousand rules are a
// tenth of it, and files that name each other again and again end here.
inline constexpr std::size_t table_bytes_max = 16 * file_bytes_max;
inline constexpr std::size_t table_tokens_max = 500'000;

// Names of upstreams and listeners become labels of metrics and words of the log: PostgreSQL's
// limit for names (NAMEDATALEN - 1).
inline constexpr std::size_t name_bytes_max = 63;

// Each listener address is a socket, each upstream host an attempt: more is a mistake in a script.
inline constexpr std::size_t hosts_per_upstream_max = 64;

// Of a host name that a client had a part in: RFC 1035 allows 255 bytes on the wire, 253 as text.
inline constexpr std::size_t host_name_bytes_max = 253;
inline constexpr std::size_t addresses_per_listener_max = 64;

// Each is a label of metrics; and every listener's sockets are compared with every other's.
inline constexpr std::size_t listeners_max = 64;
inline constexpr std::size_t upstreams_max = 256;

// Health checks. Faster than the minimum would be load without use: a failover takes seconds.
inline constexpr int health_interval_ms_min = 200;
inline constexpr int health_interval_ms_max = 3'600'000;
inline constexpr int health_timeout_ms_min = 100;
inline constexpr int health_timeout_ms_max = 60'000;
// Addresses of Patroni's REST interface: one for each member.
inline constexpr std::size_t patroni_urls_max = 64;
// Hosts that are asked by SQL: each has a login of its own and a thread.
inline constexpr std::size_t sql_checked_hosts_max = 256;

// sun_path of sockaddr_un holds 108 bytes with the final NUL (unix(7)).
inline constexpr std::size_t unix_socket_path_bytes_max = 107;

// Users of one file of SCRAM secrets: about as many as file_bytes_max holds. For more there is
// auth_query.
inline constexpr std::size_t auth_file_users_max = 10'000;

// More threads than any machine this runs on has cores.
inline constexpr int threads_max = 256;
// Longer than any answer that a wake-up would delay noticeably; a core is busy for so long after the last bytes.
inline constexpr int relay_spin_us_max = 10000;

// Each is a handful of time series that end with the connection; Prometheus pays for every one.
// Text of a client in labels may make a connection's 2 KB, all made at once on a control thread.
inline constexpr int connection_metrics_max = 10'000;

// Host names of pg_hosts.conf. Each line is a context of 20 KiB and more, loaded at every reload.
inline constexpr std::size_t host_names_max = 10'000;

// Rates of an address: more than any server logs in, over no more than an hour. (With nanoseconds the
// product of the two still fits.)
inline constexpr std::uint32_t rate_number_max = 100'000;
inline constexpr int rate_time_ms_max = 3'600'000;
inline constexpr int failed_login_delay_ms_max = 60'000;

// Networks in one list. Each new connection is held against all of them.
inline constexpr std::size_t networks_max = 64;

// Places in the table of addresses, of some hundred bytes each. Fewer would make strangers push each
// other out; no number of connections needs more.
inline constexpr int address_table_min = 1'024;
inline constexpr int address_table_max = 4'194'304;

// An unknown name longer than the longest setting is not a mistyped one.
inline constexpr std::size_t mistyped_name_bytes_max = 64;

} // namespace pgmoat::config::limits
