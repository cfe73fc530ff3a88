#include "proxy/config/cross_checks.h"

#include "proxy/config/limits.h"
#include "proxy/config/text.h"

#include <algorithm>
#include <array>
#include <set>
#include <utility>

namespace pgmoat::config {
namespace {

// The name of the setting that describes a listener or an upstream.
std::string setting_of(const Listener& listener) {
    return listener.name == default_name ? "listen_addresses" : "listener." + listener.name;
}

std::string setting_of_folders(const Listener& listener) {
    return listener.name == default_name ? "unix_socket_directories" : setting_of(listener);
}

std::string setting_of_upstream(const std::string& name) {
    return name == default_name ? "upstream" : "upstream." + name;
}

bool is_ipv6(const std::string& address) {
    return address.find(':') != std::string::npos;
}

bool is_ipv4(const std::string& address) {
    return !address.empty() && address.find_first_not_of("0123456789.") == std::string::npos;
}

// Whether the system would refuse to bind both addresses with the same port. Names are not resolved
// here: that localhost is 127.0.0.1 is only noticed when the second is bound. Both are in lower
// case.
bool overlap(const std::string& a, const std::string& b) {
    const auto covers = [](const std::string& all, const std::string& one) {
        return all == "*" || (all == "0.0.0.0" && is_ipv4(one)) || (all == "::" && is_ipv6(one));
    };
    return a == b || covers(a, b) || covers(b, a);
}

// A socket to be bound, and its listener.
struct Bound {
    std::string address; // in lower case; empty: a Unix socket
    std::string path;
    std::uint16_t port;
    std::string setting;

    [[nodiscard]] std::string text() const {
        return path.empty() ? "address " + in_quotes(address) + " port " + std::to_string(port)
                            : "Unix-domain socket " + in_quotes(path);
    }
    [[nodiscard]] bool collides_with(const Bound& other) const {
        if (!path.empty() || !other.path.empty()) return path == other.path;
        return port == other.port && overlap(address, other.address);
    }
};

std::vector<Bound> all_bound(const Config& config) {
    std::vector<Bound> bound;
    for (const Listener& listener : config.listeners) {
        for (const std::string& address : listener.addresses)
            bound.push_back({lower_case(address), {}, listener.port, setting_of(listener)});
        for (const std::string& folder : listener.unix_directories) {
            const std::string path = folder + "/.s.PGSQL." + std::to_string(listener.port);
            bound.push_back({{}, path, listener.port, setting_of_folders(listener)});
        }
    }
    if (const std::optional<Endpoint> http = parse_endpoint(config.http_listen))
        bound.push_back({lower_case(http->host), {}, http->port, "http_listen"});
    return bound;
}

void check_path(const Bound& socket, const Draft& draft, Problems& problems) {
    if (socket.path.size() <= limits::unix_socket_path_bytes_max) return;
    problems.error("Unix-domain socket path " + in_quotes(socket.path) + " is too long (maximum " +
                       std::to_string(limits::unix_socket_path_bytes_max) + " bytes)",
                   draft.location_of(socket.setting));
}

void check_sockets(const Draft& draft, Problems& problems) {
    const std::vector<Bound> bound = all_bound(draft.config);
    for (auto socket = bound.begin(); socket != bound.end(); ++socket) {
        check_path(*socket, draft, problems);
        const auto other = std::find_if(bound.begin(), socket, [&](const Bound& earlier) {
            return socket->collides_with(earlier);
        });
        if (other == socket) continue;
        problems.error(socket->text() + " of " + in_quotes(socket->setting) +
                           " is already used by " + in_quotes(other->setting) + " for " +
                           other->text(),
                       draft.location_of(socket->setting));
    }
}

void check_listeners(const Draft& draft, Problems& problems) {
    const Config& config = draft.config;
    if (config.listeners.empty()) {
        problems.error("there is no listener: set \"listen_addresses\", "
                       "\"unix_socket_directories\" or \"listener.NAME\"",
                       draft.location_of("listen_addresses"));
    }
    if (config.upstreams.empty())
        return problems.error("there is no upstream: set \"upstream\" or \"upstream.NAME\"",
                              {config.file, 0});
    for (const Listener& listener : config.listeners) {
        const Location location = draft.location_of(setting_of(listener));
        if (config.upstreams.contains(listener.upstream)) continue;
        const std::string setting = setting_of(listener);
        problems.error(listener.upstream == default_name
                           ? in_quotes(setting) + " has no upstream: set \"upstream\"" +
                                 (listener.name == default_name
                                      ? ""
                                      : ", or upstream=NAME in " + in_quotes(setting))
                           : "upstream " + in_quotes(setting_of_upstream(listener.upstream)) +
                                 " of " + in_quotes(setting) + " is not set",
                       location);
    }
}

void check_key_pairs(const Draft& draft, Problems& problems) {
    if (draft.certificate_files.empty())
        problems.error("ssl = on needs \"ssl_cert_file\"", draft.location_of("ssl_cert_file"));
    else if (draft.key_files.empty())
        problems.error("ssl = on needs \"ssl_key_file\"", draft.location_of("ssl_key_file"));
    else if (draft.certificate_files.size() != draft.key_files.size())
        problems.error("\"ssl_key_file\" needs as many files as \"ssl_cert_file\"",
                       draft.location_of("ssl_key_file"));
}

// Reloads that follow a renewed certificate would never load it.
void warn_of_keys_that_stay_locked(const Draft& draft, Problems& problems) {
    const std::vector<tls::HostSettings> hosts = tls::hosts_of(draft.config.tls);
    const bool stays_locked =
        std::any_of(hosts.begin(), hosts.end(), [](const tls::HostSettings& host) {
            return !host.passphrase_command.empty() && !host.passphrase_command_supports_reload;
        });
    if (draft.config.ssl_watch && stays_locked)
        problems.warning(
            "ssl_watch = on cannot load a private key with a passphrase: its passphrase "
            "command is run at start only "
            "(\"ssl_passphrase_command_supports_reload\")",
            draft.location_of("ssl_watch"));
}

void check_own_tls(const Draft& draft, Problems& problems) {
    const Config& config = draft.config;
    if (!terminates_tls(config)) {
        if (config.ssl)
            problems.warning("ssl = on has no effect: all listeners pass TLS through",
                             draft.location_of("ssl"));
        return;
    }
    if (!config.ssl) {
        problems.warning("ssl is off: clients of listeners with tls_mode=terminate are served in "
                         "plaintext",
                         draft.location_of("ssl"));
        return;
    }
    if (config.tls.hosts.empty()) check_key_pairs(draft, problems);
    warn_of_keys_that_stay_locked(draft, problems);
    const std::string& max = config.tls.max_protocol_version;
    if (!max.empty() && max < config.tls.min_protocol_version) {
        problems.error("could not set SSL protocol version range",
                       draft.location_of("ssl_max_protocol_version"),
                       "\"ssl_min_protocol_version\" cannot be higher than "
                       "\"ssl_max_protocol_version\"");
    }
}

void check_http(const Draft& draft, Problems& problems) {
    const Config& config = draft.config;
    const bool has_certificate = !config.http_tls_cert_file.empty();
    if (has_certificate == config.http_tls_key_file.empty())
        problems.error(
            "\"http_tls_cert_file\" and \"http_tls_key_file\" must be set together",
            draft.location_of(has_certificate ? "http_tls_cert_file" : "http_tls_key_file"));
    if (!config.http_listen.empty()) return;
    for (const char* name : {"http_tls_cert_file", "http_users_file", "connection_metrics_max"})
        if (draft.is_given(name))
            problems.warning(in_quotes(name) + " has no effect without \"http_listen\"",
                             draft.location_of(name));
}

// Passed-through TLS is between the client and the server: the user may rely on TLS options in the
// connection string, but they have no effect.
void warn_of_unused_tls(const std::string& setting,
                        const Conninfo& conninfo,
                        const Location& location,
                        Problems& problems) {
    std::string options;
    bool several = false;
    for (const auto& [keyword, value] : conninfo.given) {
        if (!keyword.starts_with("ssl")) continue;
        several = !options.empty();
        options += (several ? ", " : "") + in_quotes(keyword);
    }
    if (options.empty()) return;
    problems.warning((several ? "connection options " : "connection option ") + options + " of " +
                         in_quotes(setting) + (several ? " have" : " has") +
                         " no effect: only listeners with tls_mode=passthrough use it",
                     location);
}

// With passed-through TLS we cannot change the startup packet.
void warn_of_unused_facts(const std::string& setting,
                          const Conninfo& conninfo,
                          const Location& location,
                          Problems& problems) {
    if (conninfo.client_facts == ClientFacts::off) return;
    problems.warning("connection option \"client_facts\" of " + in_quotes(setting) +
                         " has no effect on connections whose TLS passes through",
                     location);
}

void warn_of_weak_tls(const std::string& setting,
                      const Conninfo& conninfo,
                      const Location& location,
                      Problems& problems) {
    const bool remote = std::any_of(conninfo.hosts.begin(),
                                    conninfo.hosts.end(),
                                    [](const UpstreamHost& host) { return !host.is_local(); });
    const bool weak = conninfo.sslmode == SslMode::prefer || conninfo.sslmode == SslMode::allow;
    if (!remote || !weak) return;
    problems.warning("sslmode=" + std::string(name_of(conninfo.sslmode)) + " of " +
                         in_quotes(setting) +
                         " does not protect the connection to the server: an active attacker can "
                         "disable TLS (use \"verify-full\")",
                     location);
}

// Without a rule there is no expression whose groups could be filled in.
void check_templates(const Draft& draft, Problems& problems) {
    for (const Listener& listener : draft.config.listeners) {
        const auto found = draft.config.upstreams.find(listener.upstream);
        if (found == draft.config.upstreams.end() || found->second.groups == 0) continue;
        problems.error(in_quotes(setting_of_upstream(listener.upstream)) +
                           " is a template and cannot be the upstream of listener " +
                           in_quotes(listener.name) + ": only rules with sni= can choose it",
                       draft.location_of(setting_of_upstream(listener.upstream)));
    }
}

bool is_loopback(const std::string& address) {
    const std::string name = lower_case(address);
    return name == "localhost" || name == "::1" || (is_ipv4(name) && name.starts_with("127."));
}

std::string setting_of_health(const std::string& upstream) {
    return upstream == default_name ? "health" : "health." + upstream;
}

bool has_host_twice(const Conninfo& upstream) {
    std::set<std::pair<std::string, std::uint16_t>> names;
    for (const UpstreamHost& host : upstream.hosts)
        names.emplace(host.host.empty() ? host.hostaddr : host.host, host.port);
    return names.size() < upstream.hosts.size();
}

// Only a health check finds out which host is the primary.
void check_health(const Draft& draft, Problems& problems) {
    const Config& config = draft.config;
    std::size_t asked_by_sql = 0;
    for (const auto& [name, check] : config.health) {
        const std::string setting = setting_of_health(name);
        const auto upstream = config.upstreams.find(name);
        if (upstream == config.upstreams.end()) {
            problems.error(in_quotes(setting) + " is of an upstream that is not set: " +
                               in_quotes(setting_of_upstream(name)),
                           draft.location_of(setting));
        } else if (upstream->second.groups > 0) {
            problems.error(in_quotes(setting) + " cannot be used: " +
                               in_quotes(setting_of_upstream(name)) + " is a template",
                           draft.location_of(setting));
        } else {
            if (check.kind == HealthCheck::Kind::sql) asked_by_sql += upstream->second.hosts.size();
            if (has_host_twice(upstream->second))
                problems.error(in_quotes(setting) + " cannot tell the hosts of " +
                                   in_quotes(setting_of_upstream(name)) +
                                   " apart: two have the same name and port",
                               draft.location_of(setting));
        }
        const bool in_clear = std::ranges::any_of(
            check.urls, [](const HttpAddress& url) { return !url.tls && !is_loopback(url.host); });
        if (in_clear)
            problems.warning(in_quotes(setting) +
                                 " asks Patroni without TLS: an active attacker can choose the "
                                 "server that clients are sent to (use https)",
                             draft.location_of(setting));
    }
    if (asked_by_sql > limits::sql_checked_hosts_max)
        problems.error("more than " + std::to_string(limits::sql_checked_hosts_max) +
                           " hosts are to be checked by SQL",
                       {config.file, 0});
}

// Without a health check, what a server says in the login tells its role. That needs a login that
// pgmoat can see, and one that it can repeat where there are several hosts.
void check_roles_at_login(const Draft& draft, Problems& problems) {
    const Config& config = draft.config;
    for (const auto& [name, upstream] : config.upstreams) {
        if (upstream.target_session_attrs == SessionAttrs::any || config.health.contains(name))
            continue;
        const std::string wanted =
            "target_session_attrs=" + std::string(name_of(upstream.target_session_attrs));
        const std::string setting = in_quotes(setting_of_upstream(name));
        const std::string health = in_quotes(setting_of_health(name));
        const Location location = draft.location_of(setting_of_upstream(name));
        const bool passed_through =
            std::ranges::any_of(config.listeners, [&name = name](const Listener& listener) {
                return listener.upstream == name && listener.tls_mode == TlsMode::passthrough;
            });
        const bool is_relayed =
            upstream.login.value_or(config.login) == LoginMode::relay || !has_secret_source(config);
        if (passed_through)
            problems.error(wanted + " of " + setting + " needs " + health +
                               " for listeners with tls_mode=passthrough: servers tell their roles "
                               "in the login, which cannot be seen there",
                           location);
        else if (is_relayed && upstream.hosts.size() > 1)
            problems.warning(
                wanted + " of " + setting + " without " + health +
                    ": a login with a password fails on a host of another role, because it cannot "
                    "be repeated on the next one (set " +
                    health + "; SCRAM needs only \"auth_file\" or \"auth_query_conninfo\")",
                location);
    }
}

void check_upstreams(const Draft& draft, Problems& problems) {
    for (const auto& [name, conninfo] : draft.config.upstreams) {
        const std::string setting = setting_of_upstream(name);
        const Location location = draft.location_of(setting);
        bool used = false;
        bool terminated = false;
        bool perhaps_terminated = false; // rules are loaded later, and may name this upstream
        for (const Listener& listener : draft.config.listeners) {
            const bool terminates = listener.tls_mode == TlsMode::terminate;
            if (!listener.hba_file.empty() && terminates) perhaps_terminated = true;
            if (listener.upstream != name) continue;
            used = true;
            terminated = terminated || terminates;
        }
        const bool rules_may_name_it =
            std::any_of(draft.config.listeners.begin(),
                        draft.config.listeners.end(),
                        [](const Listener& listener) { return !listener.hba_file.empty(); });
        if (!used && rules_may_name_it) continue;
        if (!used)
            problems.warning(in_quotes(setting) + " is not used by any listener", location);
        else if (terminated)
            warn_of_weak_tls(setting, conninfo, location, problems);
        else if (!perhaps_terminated) {
            warn_of_unused_tls(setting, conninfo, location, problems);
            warn_of_unused_facts(setting, conninfo, location, problems);
        }
    }
}

// Only programs on this machine can reach it, and the server would accept those directly as well.
bool is_local(const Listener& listener) {
    return std::all_of(listener.addresses.begin(), listener.addresses.end(), is_loopback);
}

void check_access_rules(const Draft& draft, Problems& problems) {
    for (const Listener& listener : draft.config.listeners)
        if (listener.hba_file.empty() && !is_local(listener))
            problems.warning("there are no access rules for " + in_quotes(setting_of(listener)) +
                                 ": all connections are forwarded to the server, which "
                                 "authenticates them (set \"hba_file\")",
                             draft.location_of(setting_of(listener)));
}

void check_role_query(const Draft& draft, Problems& problems) {
    const bool asked = !draft.config.role_query.empty();
    const bool logs_in = !draft.config.role_query_conninfo.empty();
    if (asked && !logs_in)
        problems.error("\"role_query\" needs \"role_query_conninfo\": the login that runs it",
                       draft.location_of("role_query"));
    if (logs_in && !asked)
        problems.error("\"role_query_conninfo\" needs \"role_query\": the query to run",
                       draft.location_of("role_query_conninfo"));
}

void check_login(const Draft& draft, Problems& problems) {
    const Config& config = draft.config;
    if (config.auth_query != default_auth_query && config.auth_query_conninfo.empty())
        problems.error("\"auth_query\" needs \"auth_query_conninfo\": the login that runs it",
                       draft.location_of("auth_query"));
    if (has_secret_source(config)) return;
    const auto refuse = [&](const std::string& setting) {
        problems.error("login mode \"bridge\" needs SCRAM secrets: set \"auth_file\" or "
                       "\"auth_query_conninfo\"",
                       draft.location_of(setting));
    };
    if (config.login == LoginMode::bridge) refuse("login");
    for (const auto& [name, upstream] : config.upstreams)
        if (upstream.login == LoginMode::bridge)
            refuse(name == "default" ? "upstream" : "upstream." + name);
}

// Access rules and Unix sockets can also authenticate console users; without them only a secret
// can.
void warn_of_users_without_proof(const Draft& draft, Problems& problems) {
    const Config& config = draft.config;
    const auto warn = [&](const char* setting, const std::vector<std::string>& users) {
        for (const std::string& user : users)
            if (!config.console_secrets.contains(user))
                problems.warning("user " + in_quotes(user) + " in " + in_quotes(setting) +
                                     " has no entry in \"console_auth_file\" and cannot log in",
                                 draft.location_of(setting));
    };
    for (const Listener& listener : config.listeners)
        if (!listener.hba_file.empty() || !listener.unix_directories.empty()) return;
    warn("console_users", config.console_users);
    warn("console_stats_users", config.console_stats_users);
}

void check_console(const Draft& draft, Problems& problems) {
    const Config& config = draft.config;
    if (has_console(config)) return warn_of_users_without_proof(draft, problems);
    if (!config.console_auth_file.empty())
        problems.warning("\"console_auth_file\" has no effect without \"console_users\" or "
                         "\"console_stats_users\"",
                         draft.location_of("console_auth_file"));
}

} // namespace

void cross_check(const Draft& draft, Problems& problems) {
    check_listeners(draft, problems);
    check_sockets(draft, problems);
    check_own_tls(draft, problems);
    check_http(draft, problems);
    check_templates(draft, problems);
    check_upstreams(draft, problems);
    check_health(draft, problems);
    check_roles_at_login(draft, problems);
    check_access_rules(draft, problems);
    check_role_query(draft, problems);
    check_login(draft, problems);
    check_console(draft, problems);
}

} // namespace pgmoat::config
