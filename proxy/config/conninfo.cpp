#include "proxy/config/conninfo.h"

#include "proxy/config/conninfo_options.h"
#include "proxy/config/conninfo_uri.h"
#include "proxy/config/host_template.h"
#include "proxy/config/limits.h"
#include "proxy/config/text.h"

#include <climits>

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <map>

namespace pgmoat::config {
namespace {

using Values = std::map<std::string, std::string>;

constexpr std::uint16_t default_port = 5432;

constexpr std::array<std::string_view, 6> sslmode_names{
    "disable", "allow", "prefer", "require", "verify-ca", "verify-full"}; // in the order of SslMode

constexpr std::array<std::string_view, 3> login_modes{
    "auto", "relay", "bridge"}; // in the order of LoginMode

constexpr std::array<std::string_view, 3> proxy_protocol_names{"off", "v1", "v2"};
constexpr std::array<std::string_view, 3> client_facts_names{"off", "application_name", "settings"};

constexpr std::array<std::string_view, 6> session_attrs_names{
    "any", "read-write", "read-only", "primary", "standby", "prefer-standby"}; // as SessionAttrs
constexpr std::array<std::string_view, 2> load_balance_names{"disable", "random"};

constexpr std::array<std::string_view, 4> tls_versions{"TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};

[[noreturn]] void fail_invalid(std::string_view keyword, std::string_view value) {
    throw ConninfoError("invalid " + std::string(keyword) + " value: " + in_quotes(value));
}

std::vector<std::string> split_commas(std::string_view text) {
    std::vector<std::string> elements;
    for (;;) {
        const std::size_t comma = text.find(',');
        elements.emplace_back(text.substr(0, comma));
        if (comma == std::string_view::npos) return elements;
        text.remove_prefix(comma + 1);
    }
}

bool contains(std::string_view comma_list, const std::string& value) {
    const std::vector<std::string> elements = split_commas(comma_list);
    return !comma_list.empty() &&
           std::find(elements.begin(), elements.end(), value) != elements.end();
}

void check_usable(const ConninfoOption& option, const std::string& value) {
    if (option.refused_because.empty() || contains(option.harmless_values, value)) return;
    const bool valid = option.refused_values.empty() || contains(option.refused_values, value);
    if (!valid) fail_invalid(option.keyword, value);
    throw ConninfoError("connection option " + in_quotes(option.keyword) +
                        " cannot be used for an upstream: " + std::string(option.refused_because));
}

bool is_keyword(std::string_view keyword) {
    return find_conninfo_option(keyword) != nullptr;
}

std::string quoted_if_needed(const std::string& value) {
    if (!value.empty() && value.find_first_of(" '\\\t\n") == std::string::npos) return value;
    std::string quoted = "'";
    for (const char c : value) {
        if (c == '\'' || c == '\\') quoted += '\\';
        quoted += c;
    }
    return quoted + "'";
}

// Applies each pair before it reads the next, so that the first mistake is the one reported.
template <typename Take>
void for_each_pair(std::string_view text, Take take) {
    if (is_connection_uri(text)) {
        for (KeywordValue& pair : split_connection_uri(text, is_keyword))
            take(pair);
    } else {
        KeywordValueReader reader(text, "connection info string");
        while (std::optional<KeywordValue> pair = reader.next())
            take(*pair);
    }
}

// If a keyword is repeated, the last value counts, as in libpq.
Values split_conninfo(std::string_view text) {
    Values values;
    for_each_pair(text, [&](KeywordValue& pair) {
        const ConninfoOption* const option = find_conninfo_option(pair.keyword);
        if (option == nullptr)
            throw ConninfoError("invalid connection option " + in_quotes(pair.keyword));
        check_usable(*option, pair.value);
        values[pair.keyword] = std::move(pair.value);
    });
    return values;
}

bool is_secret(std::string_view keyword) {
    return keyword.find("password") != std::string_view::npos ||
           keyword.find("secret") != std::string_view::npos || keyword == "scram_client_key" ||
           keyword == "scram_server_key";
}

std::string value_of(const Values& values, const std::string& keyword) {
    const auto found = values.find(keyword);
    return found == values.end() ? std::string() : found->second;
}

int parse_number(const std::string& text, const std::string& keyword) {
    char* end = nullptr;
    errno = 0;
    const long number = std::strtol(text.c_str(), &end, 10);
    if (end == text.c_str() || !trim(end).empty() || errno == ERANGE || number > INT_MAX ||
        number < INT_MIN) {
        throw ConninfoError("invalid integer value " + in_quotes(text) + " for connection option " +
                            in_quotes(keyword));
    }
    return static_cast<int>(number);
}

// libpq lets the system refuse a negative time when it connects; pgmoat checks at start.
int number_of(const Values& values, const std::string& keyword) {
    const auto found = values.find(keyword);
    if (found == values.end()) return 0;
    const int number = parse_number(found->second, keyword);
    if (number < 0) fail_invalid(keyword, found->second);
    return number;
}

bool flag_of(const Values& values, const std::string& keyword) {
    const auto found = values.find(keyword);
    if (found == values.end() || found->second == "1") return true;
    if (found->second != "0") fail_invalid(keyword, found->second);
    return false;
}

std::uint16_t parse_port(const std::string& text) {
    if (text.empty()) return default_port;
    const int port = parse_number(text, "port");
    if (port < 1 || port > 65535) throw ConninfoError("invalid port number: " + in_quotes(text));
    return static_cast<std::uint16_t>(port);
}

// IPv6 addresses may have a zone: fe80::1%eth0.
bool is_numeric_address(const std::string& text) {
    in6_addr ignored{};
    return ::inet_pton(AF_INET, text.c_str(), &ignored) == 1 ||
           ::inet_pton(AF_INET6, text.substr(0, text.find('%')).c_str(), &ignored) == 1;
}

void check_host(const UpstreamHost& host) {
    if (host.host.empty() && host.hostaddr.empty())
        throw ConninfoError("an upstream needs \"host\" or \"hostaddr\" for each of its servers");
    if (!host.hostaddr.empty() && !is_numeric_address(host.hostaddr)) {
        throw ConninfoError("could not parse network address " + in_quotes(host.hostaddr) +
                            ": Name or service not known");
    }
    const bool is_template = highest_group(host.host) > 0;
    if (is_template && (host.is_local() || !host.hostaddr.empty()))
        throw ConninfoError("only a host name can be made of a server name's parts");
    if (is_template && !fill_host(host.host, std::vector<std::string>(group_number_max + 1, "a")))
        throw ConninfoError("no host name can be made of " + in_quotes(shown_host(host.host)));
    const std::size_t path_bytes =
        host.host.size() + std::string_view("/.s.PGSQL.").size() + std::to_string(host.port).size();
    if (host.is_local() && path_bytes > limits::unix_socket_path_bytes_max) {
        throw ConninfoError("Unix-domain socket path \"" + host.host + "/.s.PGSQL." +
                            std::to_string(host.port) + "\" is too long (maximum " +
                            std::to_string(limits::unix_socket_path_bytes_max) + " bytes)");
    }
}

// host, hostaddr and port are lists of the same length; a single port is used for all.
std::vector<UpstreamHost> hosts_of(const Values& values) {
    const std::vector<std::string> names = split_commas(value_of(values, "host"));
    const std::vector<std::string> addresses = split_commas(value_of(values, "hostaddr"));
    const std::vector<std::string> ports = split_commas(value_of(values, "port"));
    const bool has_names = !value_of(values, "host").empty();
    const bool has_addresses = !value_of(values, "hostaddr").empty();
    const std::size_t count = has_addresses ? addresses.size() : names.size();
    if (has_names && names.size() != count) {
        throw ConninfoError("could not match " + std::to_string(names.size()) + " host names to " +
                            std::to_string(count) + " hostaddr values");
    }
    if (ports.size() != 1 && ports.size() != count) {
        throw ConninfoError("could not match " + std::to_string(ports.size()) +
                            " port numbers to " + std::to_string(count) + " hosts");
    }
    if (count > limits::hosts_per_upstream_max) {
        throw ConninfoError("an upstream may have at most " +
                            std::to_string(limits::hosts_per_upstream_max) + " hosts");
    }
    std::vector<UpstreamHost> hosts(count);
    for (std::size_t i = 0; i < count; ++i) {
        if (has_names) hosts[i].host = names[i];
        if (has_addresses) hosts[i].hostaddr = addresses[i];
        hosts[i].port = parse_port(ports.size() == 1 ? ports[0] : ports[i]);
        check_host(hosts[i]);
    }
    return hosts;
}

SslMode sslmode_of(const Values& values) {
    const auto given = values.find("sslmode");
    const bool system_roots = value_of(values, "sslrootcert") == "system";
    if (given == values.end()) return system_roots ? SslMode::verify_full : SslMode::prefer;
    const auto* const name = std::find(sslmode_names.begin(), sslmode_names.end(), given->second);
    if (name == sslmode_names.end()) fail_invalid("sslmode", given->second);
    const auto mode = static_cast<SslMode>(name - sslmode_names.begin());
    if (system_roots && mode != SslMode::verify_full) {
        throw ConninfoError("weak sslmode " + in_quotes(given->second) +
                            " may not be used with sslrootcert=system (use \"verify-full\")");
    }
    return mode;
}

SslNegotiation sslnegotiation_of(const Values& values, SslMode mode) {
    const auto given = values.find("sslnegotiation");
    if (given == values.end() || given->second == "postgres") return SslNegotiation::postgres;
    if (given->second != "direct") fail_invalid("sslnegotiation", given->second);
    if (mode < SslMode::require) {
        throw ConninfoError("weak sslmode " + in_quotes(name_of(mode)) +
                            " may not be used with sslnegotiation=direct (use \"require\", "
                            "\"verify-ca\", or \"verify-full\")");
    }
    return SslNegotiation::direct;
}

// Returns the canonical spelling; any letter case is accepted, and an empty value means "no limit".
std::string
tls_version_of(const Values& values, const std::string& keyword, std::string_view unset) {
    const auto given = values.find(keyword);
    if (given == values.end()) return std::string(unset);
    if (given->second.empty()) return {};
    for (const std::string_view version : tls_versions)
        if (equal_ignoring_case(version, given->second)) return std::string(version);
    fail_invalid(in_quotes(keyword), given->second);
}

void read_tls_options(const Values& values, Conninfo& conninfo) {
    conninfo.sslmode = sslmode_of(values);
    conninfo.sslnegotiation = sslnegotiation_of(values, conninfo.sslmode);
    conninfo.sslrootcert = value_of(values, "sslrootcert");
    conninfo.sslcrl = value_of(values, "sslcrl");
    conninfo.sslcrldir = value_of(values, "sslcrldir");
    conninfo.sslcert = value_of(values, "sslcert");
    conninfo.sslkey = value_of(values, "sslkey");
    conninfo.sslpassword = value_of(values, "sslpassword");
    conninfo.sslsni = flag_of(values, "sslsni");
    std::string& min = conninfo.ssl_min_protocol_version;
    std::string& max = conninfo.ssl_max_protocol_version;
    min = tls_version_of(values, "ssl_min_protocol_version", "TLSv1.2");
    max = tls_version_of(values, "ssl_max_protocol_version", "");
    if (!max.empty() && max < min) throw ConninfoError("invalid SSL protocol version range");
}

// libpq looks for these files in the user's home directory; here they must be named.
void check_files_are_named(const Conninfo& conninfo) {
    if (conninfo.sslmode >= SslMode::verify_ca && conninfo.sslrootcert.empty()) {
        throw ConninfoError("sslmode " + in_quotes(name_of(conninfo.sslmode)) +
                            " needs sslrootcert: there is no default root certificate file here");
    }
    if (conninfo.sslcert.empty() != conninfo.sslkey.empty())
        throw ConninfoError("sslcert and sslkey must be set together: neither has a default here");
}

void read_timeouts(const Values& values, Conninfo& conninfo) {
    const auto timeout = values.find("connect_timeout");
    if (timeout != values.end()) {
        const int seconds = parse_number(timeout->second, "connect_timeout");
        conninfo.connect_timeout = std::chrono::seconds(seconds == 1 ? 2 : std::max(seconds, 0));
    }
    const auto keepalives = values.find("keepalives");
    if (keepalives != values.end())
        conninfo.keepalives = parse_number(keepalives->second, "keepalives") != 0;
    conninfo.keepalives_idle = number_of(values, "keepalives_idle");
    conninfo.keepalives_interval = number_of(values, "keepalives_interval");
    conninfo.keepalives_count = number_of(values, "keepalives_count");
    conninfo.tcp_user_timeout_ms = number_of(values, "tcp_user_timeout");
    if (const auto login = values.find("login"); login != values.end()) {
        conninfo.login = login_mode_from(login->second);
        if (!conninfo.login) fail_invalid("login", login->second);
    }
}

// The index of the value in `names`, as an enum value; the first one is the default.
template <typename Enum, std::size_t size>
Enum word_of(const Values& values,
             const std::string& keyword,
             const std::array<std::string_view, size>& names) {
    const auto given = values.find(keyword);
    if (given == values.end()) return Enum{};
    const auto name = std::find(names.begin(), names.end(), std::string_view(given->second));
    if (name == names.end()) fail_invalid(keyword, given->second);
    return static_cast<Enum>(name - names.begin());
}

void read_choice_of_host(const Values& values, Conninfo& conninfo) {
    enum class Balance { disable, random };
    conninfo.target_session_attrs =
        word_of<SessionAttrs>(values, "target_session_attrs", session_attrs_names);
    conninfo.balance_hosts =
        word_of<Balance>(values, "load_balance_hosts", load_balance_names) == Balance::random;
}

void read_facts_for_server(const Values& values, Conninfo& conninfo) {
    conninfo.proxy_protocol =
        word_of<ProxyProtocol>(values, "proxy_protocol", proxy_protocol_names);
    conninfo.client_facts = word_of<ClientFacts>(values, "client_facts", client_facts_names);
}

} // namespace

std::string_view name_of(SslMode mode) noexcept {
    return sslmode_names[static_cast<std::size_t>(mode)];
}

std::string_view name_of(LoginMode mode) noexcept {
    return login_modes[static_cast<std::size_t>(mode)];
}

std::string_view name_of(SessionAttrs attrs) noexcept {
    return session_attrs_names[static_cast<std::size_t>(attrs)];
}

std::optional<LoginMode> login_mode_from(std::string_view name) noexcept {
    const auto* const found = std::find(login_modes.begin(), login_modes.end(), name);
    if (found == login_modes.end()) return std::nullopt;
    return static_cast<LoginMode>(found - login_modes.begin());
}

std::optional<ProxyProtocol> proxy_protocol_from(std::string_view name) noexcept {
    const auto* const found =
        std::find(proxy_protocol_names.begin(), proxy_protocol_names.end(), name);
    if (found == proxy_protocol_names.end()) return std::nullopt;
    return static_cast<ProxyProtocol>(found - proxy_protocol_names.begin());
}

Conninfo parse_conninfo(std::string_view text) {
    if (text.find('\0') != std::string_view::npos)
        throw ConninfoError("connection info string contains a zero byte");
    const Values values = split_conninfo(text);
    Conninfo conninfo;
    conninfo.hosts = hosts_of(values);
    for (const UpstreamHost& host : conninfo.hosts)
        conninfo.groups = std::max(conninfo.groups, highest_group(host.host));
    read_tls_options(values, conninfo);
    check_files_are_named(conninfo);
    read_timeouts(values, conninfo);
    read_facts_for_server(values, conninfo);
    read_choice_of_host(values, conninfo);
    for (const auto& [keyword, value] : values)
        conninfo.given.push_back({keyword, value});
    return conninfo;
}

std::string without_secrets(std::string_view text) {
    std::string shown;
    for_each_pair(text, [&](KeywordValue& pair) {
        if (!shown.empty()) shown += ' ';
        shown += pair.keyword + '=';
        if (pair.keyword == "host") pair.value = shown_host(pair.value);
        shown += is_secret(pair.keyword) ? "********" : quoted_if_needed(pair.value);
    });
    return shown;
}

tls::ClientSettings client_tls_settings(const Conninfo& conninfo) {
    tls::ClientSettings settings;
    if (conninfo.sslmode == SslMode::verify_full)
        settings.verify = tls::Verify::chain_and_name;
    else if (!conninfo.sslrootcert.empty())
        settings.verify = tls::Verify::chain;
    settings.root_certificate_file = conninfo.sslrootcert;
    settings.crl_file = conninfo.sslcrl;
    settings.crl_dir = conninfo.sslcrldir;
    settings.certificate_file = conninfo.sslcert;
    settings.key_file = conninfo.sslkey;
    settings.key_password = conninfo.sslpassword;
    settings.min_protocol_version = conninfo.ssl_min_protocol_version;
    settings.max_protocol_version = conninfo.ssl_max_protocol_version;
    settings.send_server_name = conninfo.sslsni;
    return settings;
}

} // namespace pgmoat::config
