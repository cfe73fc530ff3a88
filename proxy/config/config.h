// The configuration as a value, completely checked: postgresql.conf syntax, PostgreSQL's names.
// load_config() only reads files; it uses no socket and loads no key. A reload loads a new value
// and replaces the old one, or keeps it if there are errors.
#pragma once

#include "proxy/config/address_limits.h"
#include "proxy/config/auth_file.h"
#include "proxy/config/conninfo.h"
#include "proxy/config/file_source.h"
#include "proxy/config/health_check.h"
#include "proxy/config/problems.h"
#include "tls/context.h"

#include <chrono>
#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::config {

// All errors, each one line in PostgreSQL's style: `... in file "x" line 3`.
class ConfigError : public std::runtime_error {
  public:
    explicit ConfigError(std::vector<std::string> messages);
    std::vector<std::string> messages;
};

enum class TlsMode { terminate, passthrough };
enum class HbaOnReload { keep, disconnect };
// For sessions that require a primary, when their host no longer is one.
enum class OnRoleChange { disconnect, keep };
enum class LogFormat { text, json };
enum class LogLevel { debug, info, log, notice, warning, error };

struct Listener {
    std::string name;                   // "default" for listen_addresses
    std::vector<std::string> addresses; // host names or addresses; '*' means all
    std::uint16_t port = 6432;
    std::vector<std::string> unix_directories; // a socket .s.PGSQL.<port> in each
    TlsMode tls_mode = TlsMode::terminate;
    std::string upstream;         // a key of Config::upstreams
    std::string hba_file;         // resolved; empty: no rules
    std::string hba_dry_run_file; // resolved; empty: no dry run
    // Each connection begins with a PROXY protocol header, and must come from one of these networks
    // or a Unix socket.
    bool proxy_protocol = false;
    std::vector<Network> trusted;
};

// All names are qualified, in addition to the session's fixed search_path.
inline constexpr const char* default_auth_query =
    "SELECT rolname, rolpassword FROM pg_catalog.pg_authid WHERE rolname = $1";

// A setting as given in a file, without secrets.
struct GivenSetting {
    std::string value;
    Location location;
};

struct Config {
    std::string file;      // as given
    std::string directory; // base of relative paths
    std::vector<Listener> listeners;
    std::map<std::string, Conninfo> upstreams; // "default" is plain `upstream`
    std::map<std::string, HealthCheck> health; // by upstream, if it has one
    OnRoleChange on_role_change = OnRoleChange::disconnect;
    std::string ident_file;                        // resolved; empty: no user name maps
    HbaOnReload hba_on_reload = HbaOnReload::keep; // for sessions that the new rules refuse
    bool ssl = false;
    tls::ServerSettings tls; // paths resolved
    std::string ssl_profile; // already applied to tls
    bool ssl_watch = false;
    bool ssl_sni = false;
    std::string hosts_file = "pg_hosts.conf"; // resolved; read into tls.hosts when ssl_sni is on
    std::vector<std::string> hosts_files;     // the files read for it, includes too
    std::chrono::seconds authentication_timeout{60};
    std::chrono::seconds server_login_timeout{0}; // 0: no limit
    std::chrono::seconds drain_delay{0}; // between /readyz failing and closing the listeners
    std::chrono::seconds shutdown_timeout{60};
    std::chrono::seconds idle_session_timeout{0}; // 0: none
    std::chrono::seconds max_session_lifetime{0}; // 0: none
    std::chrono::seconds dns_max_ttl{30};     // how long addresses of an upstream's host are kept
    std::chrono::seconds dns_nxdomain_ttl{5}; // how long "no such name" is kept
    std::string role_query;                   // returns the roles of the user $1; empty: not used
    std::vector<KeywordValue> role_query_conninfo;    // its login; may contain passwords
    LoginMode login = LoginMode::automatic;           // for upstreams without one of their own
    std::string auth_file;                            // resolved; empty: none
    ScramSecrets auth_secrets;                        // its contents
    std::optional<FileText::Access> auth_file_access; // for secret_file_problem()
    std::string auth_query = default_auth_query;      // returns name and secret of the user $1
    std::vector<KeywordValue> auth_query_conninfo;    // its login; empty: not used
    int max_connections = 1000;
    AddressLimits address_limits;
    int max_handshakes = 0; // TLS handshakes of clients at a time; 0: no limit
    int address_table_size = 16384;
    int tcp_keepalives_idle = 0; // seconds; 0: the system's default
    int tcp_keepalives_interval = 0;
    int tcp_keepalives_count = 0;
    int tcp_user_timeout_ms = 0;
    bool log_connections = false;
    bool log_disconnections = true;
    LogLevel log_min_messages = LogLevel::info;
    LogFormat log_format = LogFormat::text;
    std::string log_file;           // resolved; empty: standard error
    std::string user;               // switch to this user after binding; empty: stay
    std::string http_listen;        // "127.0.0.1:9632"; empty: no HTTP endpoint
    std::string http_tls_cert_file; // empty: plain HTTP; paths resolved
    std::string http_tls_key_file;
    std::string http_users_file;    // empty: no passwords
    int connection_metrics_max = 0; // connections in /metrics/connections; 0: no such page
    // Users of the console; empty: there is no console, and its database name is an ordinary one.
    std::vector<std::string> console_users;       // may do everything
    std::vector<std::string> console_stats_users; // may only look
    std::string console_auth_file;
    ScramSecrets console_secrets;             // its contents
    protocol::ScramDigest console_mock_key{}; // for users who are not in it
    int control_threads = 1;
    int relay_threads = 2;
    std::chrono::microseconds relay_spin{0};   // 0: a relay thread sleeps immediately
    std::map<std::string, GivenSetting> given; // by name, as in the files; to be shown
    std::vector<std::string> warnings;         // logged at start and by `pgmoat check`
};

// Throws ConfigError.
[[nodiscard]] Config load_config(const std::string& file);
[[nodiscard]] Config load_config(const std::string& file, const FileSource& source);

// Reads hosts_file again, into tls.hosts. Throws ConfigError.
void reread_hosts(Config& config, const FileSource& source);
// Reads auth_file again. Throws ConfigError.
void reread_secrets(Config& config, const FileSource& source);

// How logins through this upstream are handled.
[[nodiscard]] LoginMode login_mode_of(const Config& config, const Conninfo& upstream) noexcept;
// SCRAM secrets come from a file or a query.
[[nodiscard]] bool has_secret_source(const Config& config) noexcept;

// nullptr: no such listener.
[[nodiscard]] const Listener* find_listener(const Config& config, std::string_view name) noexcept;
// For command lines: an empty name means the first listener. Throws ConfigError if there is none.
[[nodiscard]] const Listener& listener_named(const Config& config, const std::string& name);

// Some listener terminates its clients' TLS. If none does, `ssl` is off whatever the file says.
[[nodiscard]] bool terminates_tls(const Config& config) noexcept;

// The console has users.
[[nodiscard]] bool has_console(const Config& config) noexcept;

[[nodiscard]] std::string_view name_of(TlsMode mode) noexcept;

// HOST:PORT or [IPV6]:PORT, as in http_listen.
struct Endpoint {
    std::string host;
    std::uint16_t port;
};
[[nodiscard]] std::optional<Endpoint> parse_endpoint(std::string_view text);

} // namespace pgmoat::config
