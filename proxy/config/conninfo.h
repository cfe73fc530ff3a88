// libpq connection strings, keyword/value and URI, as far as an upstream needs them: keywords,
// meanings, defaults and error texts are libpq's (fe-connect.c). A keyword that pgmoat cannot
// honour is an error. Pure: opens no file, resolves no name.
#pragma once

#include "protocol/server_handshake.h"
#include "proxy/config/keyword_values.h"
#include "tls/context.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::config {

using protocol::SslMode;
using protocol::SslNegotiation;

// Who answers the server's SCRAM challenge. relay: the client. bridge: pgmoat in place of the
// client, with the stored secret. automatic: the client if that can work, otherwise pgmoat.
enum class LoginMode { automatic, relay, bridge };

struct UpstreamHost {
    std::string host; // a name, an address, or a directory of Unix sockets (begins with '/' or '@')
    std::string hostaddr; // numeric; empty: resolve `host`
    std::uint16_t port = 5432;
    [[nodiscard]] bool is_local() const noexcept {
        return hostaddr.empty() && !host.empty() && (host[0] == '/' || host[0] == '@');
    }
};

// The PROXY protocol header that is sent to the server first.
enum class ProxyProtocol { off, v1, v2 };
// Which of several hosts a client may be sent to; names and meanings are libpq's.
enum class SessionAttrs { any, read_write, read_only, primary, standby, prefer_standby };
// Facts added to the client's startup packet: its address in application_name, or settings of their
// own.
enum class ClientFacts { off, application_name, settings };

struct Conninfo {
    std::vector<UpstreamHost> hosts; // at least one; tried in order
    int groups = 0; // highest \N in a host: then it is a template, see host_template.h; 0: none
    SslMode sslmode = SslMode::prefer;
    SslNegotiation sslnegotiation = SslNegotiation::postgres;
    std::string sslrootcert; // a path or "system"
    std::string sslcrl;
    std::string sslcrldir;
    std::string sslcert;
    std::string sslkey;
    std::string sslpassword;
    bool sslsni = true;
    std::string ssl_min_protocol_version = "TLSv1.2";
    std::string ssl_max_protocol_version;
    std::chrono::seconds connect_timeout{0}; // 0: none; libpq raises 1 to 2
    bool keepalives = true;
    int keepalives_idle = 0; // 0: the system's default
    int keepalives_interval = 0;
    int keepalives_count = 0;
    int tcp_user_timeout_ms = 0;
    SessionAttrs target_session_attrs = SessionAttrs::any;
    bool balance_hosts = false;     // load_balance_hosts=random
    std::optional<LoginMode> login; // pgmoat's own keyword; nothing: as the setting `login`
    // pgmoat's own keyword: how the server learns who the client is.
    ProxyProtocol proxy_protocol = ProxyProtocol::off;
    ClientFacts client_facts = ClientFacts::off;
    std::vector<KeywordValue> given; // as in the text; for warnings and for libpq
};

// Throws ConninfoError with libpq's text.
[[nodiscard]] Conninfo parse_conninfo(std::string_view text);

// A connection string with its secrets replaced, to be shown. It need not be one for an upstream:
// keywords are not checked. Throws ConninfoError if it cannot be parsed.
[[nodiscard]] std::string without_secrets(std::string_view text);

[[nodiscard]] std::string_view name_of(SslMode mode) noexcept;
[[nodiscard]] std::string_view name_of(LoginMode mode) noexcept;
[[nodiscard]] std::string_view name_of(SessionAttrs attrs) noexcept;
// Nothing: not a login mode.
[[nodiscard]] std::optional<LoginMode> login_mode_from(std::string_view name) noexcept;
[[nodiscard]] std::optional<ProxyProtocol> proxy_protocol_from(std::string_view name) noexcept;

// The TLS settings for this upstream. As in libpq, with a root certificate even sslmode=require
// verifies the chain. The caller handles sslmode=disable.
[[nodiscard]] tls::ClientSettings client_tls_settings(const Conninfo& conninfo);

} // namespace pgmoat::config
