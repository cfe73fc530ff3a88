#include "proxy/config/conninfo_options.h"

#include <algorithm>
#include <array>

namespace pgmoat::config {
namespace {

constexpr std::string_view from_client = "it is the client's own, from its startup packet";
constexpr std::string_view client_logs_in = "the client itself logs in to the server";
constexpr std::string_view no_gss_encryption = "GSSAPI encryption to an upstream is not supported";

constexpr ConninfoOption honoured(std::string_view keyword) {
    return {keyword, "", "", ""};
}

constexpr ConninfoOption refused(std::string_view keyword, std::string_view because) {
    return {keyword, because, "", ""};
}

constexpr std::array options{
    honoured("host"),
    honoured("hostaddr"),
    honoured("port"),
    honoured("connect_timeout"),
    honoured("keepalives"),
    honoured("keepalives_idle"),
    honoured("keepalives_interval"),
    honoured("keepalives_count"),
    honoured("tcp_user_timeout"),
    honoured("sslmode"),
    honoured("sslnegotiation"),
    honoured("sslrootcert"),
    honoured("sslcrl"),
    honoured("sslcrldir"),
    honoured("sslcert"),
    honoured("sslkey"),
    honoured("sslpassword"),
    honoured("sslsni"),
    honoured("ssl_min_protocol_version"),
    honoured("ssl_max_protocol_version"),
    honoured("target_session_attrs"),
    honoured("load_balance_hosts"),
    honoured("login"), // pgmoat's own, unknown to libpq
    honoured("proxy_protocol"),
    honoured("client_facts"),

    refused("user", from_client),
    refused("dbname", from_client),
    refused("options", from_client),
    refused("application_name", from_client),
    refused("fallback_application_name", from_client),
    refused("client_encoding", from_client),
    refused("replication", from_client),
    refused("min_protocol_version", from_client),
    refused("max_protocol_version", from_client),

    refused("password", client_logs_in),
    refused("passfile", client_logs_in),
    refused("channel_binding", client_logs_in),
    refused("require_auth", client_logs_in),
    refused("scram_client_key", client_logs_in),
    refused("scram_server_key", client_logs_in),
    refused("krbsrvname", client_logs_in),
    refused("gsslib", client_logs_in),
    refused("gssdelegation", client_logs_in),
    refused("oauth_issuer", client_logs_in),
    refused("oauth_client_id", client_logs_in),
    refused("oauth_client_secret", client_logs_in),
    refused("oauth_scope", client_logs_in),

    refused("service", "service files are not read"),
    refused("servicefile", "service files are not read"),
    refused("requirepeer", "the owner of the server's socket is not checked"),
    refused("sslkeylogfile", "TLS secrets are never written down"),

    ConninfoOption{"gssencmode", no_gss_encryption, "disable,prefer", "require"},
    ConninfoOption{"sslcompression", "TLS compression is always off", "0", ""},
    ConninfoOption{"sslcertmode", "only \"allow\" is supported", "allow", "disable,require"},
};

} // namespace

const ConninfoOption* find_conninfo_option(std::string_view keyword) noexcept {
    const auto* const found = std::find_if(options.begin(), options.end(), [&](const auto& option) {
        return option.keyword == keyword;
    });
    return found == options.end() ? nullptr : found;
}

} // namespace pgmoat::config
