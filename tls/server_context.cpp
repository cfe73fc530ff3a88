// The server's role: be_tls_init() of PostgreSQL 18 (be-secure-openssl.c), step by step and in its
// order, so that of several mistakes the same one is reported.
#include "tls/alpn.h"
#include "tls/callbacks.h"
#include "tls/context.h"
#include "tls/context_parts.h"
#include "tls/dh_parameters.h"
#include "tls/error.h"
#include "tls/groups.h"
#include "tls/host_table.h"
#include "tls/revocation.h"
#include "tls/server_identity.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <map>

namespace pgmoat::tls {

namespace {

int parameter_version(const char* setting, const std::string& value) {
    if (const auto number = protocol_version(value)) return *number;
    throw Error(std::string("invalid value for parameter \"") + setting + "\": " + quoted(value),
                "",
                "Available values: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3.");
}

void limit_versions(SSL_CTX* context, const ServerSettings& settings) {
    const int lowest = parameter_version("ssl_min_protocol_version", settings.min_protocol_version);
    if (SSL_CTX_set_min_proto_version(context, lowest) != 1)
        throw Error("could not set minimum SSL protocol version");
    if (settings.max_protocol_version.empty()) return;
    const int highest =
        parameter_version("ssl_max_protocol_version", settings.max_protocol_version);
    if (SSL_CTX_set_max_proto_version(context, highest) != 1)
        throw Error("could not set maximum SSL protocol version");
    if (lowest > highest) {
        throw Error("could not set SSL protocol version range",
                    "\"ssl_min_protocol_version\" cannot be higher than "
                    "\"ssl_max_protocol_version\"",
                    "");
    }
}

std::string joined(const std::vector<std::string>& names) {
    std::string text;
    for (const std::string& name : names)
        text += (text.empty() ? "" : ", ") + quoted(name);
    return text;
}

// A profile is the same for all versions of OpenSSL, so groups that this one lacks are left out of
// it. A list in the configuration must be valid as it is.
std::string wanted_groups(const ServerSettings& settings, std::vector<std::string>& notes) {
    if (!settings.groups_are_of_a_profile) return settings.groups;
    const std::string unknown = joined(unknown_groups(settings.groups));
    if (!unknown.empty())
        notes.push_back("ssl_profile: this version of OpenSSL does not know " + unknown);
    return known_groups(settings.groups);
}

void set_groups(SSL_CTX* context, const std::string& groups) {
    // OpenSSL 3.5 accepts an empty list and changes nothing.
    if (!groups.empty() && SSL_CTX_set1_groups_list(context, groups.c_str()) == 1) return;
    // OpenSSL before 3.3 gives no reason.
    std::string reason = "No valid groups found";
    if (ERR_peek_error() != 0) reason = take_reason();
    const std::string unknown = joined(unknown_groups(groups));
    throw Error("could not set group names specified in ssl_groups: " + reason,
                unknown.empty() ? "" : "Not known to this version of OpenSSL: " + unknown + ".",
                "Ensure that each group name is spelled correctly and supported by the installed "
                "version of OpenSSL.");
}

void set_ciphers(SSL_CTX* context, const ServerSettings& settings) {
    if (SSL_CTX_set_cipher_list(context, settings.ciphers.c_str()) != 1) {
        ERR_clear_error();
        throw Error("could not set the TLSv1.2 cipher list (no valid ciphers available)");
    }
    if (!settings.tls13_ciphers.empty() &&
        SSL_CTX_set_ciphersuites(context, settings.tls13_ciphers.c_str()) != 1) {
        ERR_clear_error();
        throw Error("could not set the TLSv1.3 cipher suites (no valid ciphers available)");
    }
    if (settings.prefer_server_ciphers)
        SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
}

// What all hosts have in common, in PostgreSQL's order.
class Builder {
  public:
    std::vector<OwnCertificate> certificates;
    std::vector<OwnAuthority> authorities;
    std::vector<std::string> notes;

    Builder(const ServerSettings& settings, const Loading& loading)
        : settings_(settings), loading_(loading), groups_(wanted_groups(settings, notes)),
          dh_group_(choose_dh_group(settings.dh_params_file, loading.occasion, notes)) {}

    SslContextPtr context_of_settings() {
        if (settings_.pairs.empty())
            throw Error("there is neither a server certificate nor a host with one");
        return context_of(hosts_of(settings_).front());
    }

    // The context that sessions begin with; it has no certificate of its own.
    SslContextPtr entry_of_hosts() {
        HostTable table;
        for (const HostSettings& host : settings_.hosts)
            table.add(host.names, context_of(host));
        SslContextPtr entry = new_context();
        set_what_hosts_share(entry.get());
        choose_hosts(entry.get(), std::move(table));
        return entry;
    }

  private:
    SslContextPtr context_of(const HostSettings& host) {
        const ServerIdentity identity{
            host.pairs,
            host.ca_file,
            {host.passphrase_command, host.passphrase_command_supports_reload, loading_}};
        SslContextPtr context = new_context();
        for (OwnCertificate& shown : show_certificates(context.get(), identity))
            certificates.push_back(std::move(shown));
        set_what_hosts_share(context.get());
        judge_clients(context.get(), identity.ca_file);
        return context;
    }

    void judge_clients(SSL_CTX* context, const std::string& ca_file) {
        const auto [first, is_new] = first_with_.try_emplace(ca_file, context);
        if (!is_new) {
            if (!ca_file.empty()) ask_for_the_same_client_certificates(context, first->second);
            return;
        }
        if (!ca_file.empty()) authorities.push_back(ask_for_client_certificates(context, ca_file));
        load_revocation_lists(context, settings_.crl_file, settings_.crl_dir);
        require_list_of_each_authority(context, settings_.crl_file, settings_.crl_dir);
        if (!ca_file.empty()) note_expired_lists(context);
    }

    // Notes each list once: hosts may share lists.
    void note_expired_lists(SSL_CTX* context) {
        for (std::string& text : expired_lists(context))
            if (std::find(notes.begin(), notes.end(), text) == notes.end())
                notes.push_back(std::move(text));
    }

    void set_what_hosts_share(SSL_CTX* context) {
        limit_versions(context, settings_);
        use_dh_group(context, dh_group_.get());
        set_groups(context, groups_);
        set_ciphers(context, settings_);
        const bool http = settings_.application == Application::http;
        require_alpn(context, http ? alpn_http : alpn_name);
    }

    const ServerSettings& settings_;
    const Loading& loading_;
    std::string groups_;
    KeyPtr dh_group_;
    std::map<std::string, SSL_CTX*> first_with_; // a context with this CA; the caller owns it
};

} // namespace

std::vector<HostSettings> hosts_of(const ServerSettings& settings) {
    if (!settings.hosts.empty()) return settings.hosts;
    return {{{"*"},
             settings.pairs,
             settings.ca_file,
             settings.passphrase_command,
             settings.passphrase_command_supports_reload}};
}

std::shared_ptr<const ServerContext> ServerContext::load(const ServerSettings& settings,
                                                         const Loading& loading) {
    const std::shared_ptr<ServerContext> self(new ServerContext);
    Builder builder(settings, loading);
    const bool has_hosts = !settings.hosts.empty();
    self->context_ =
        (has_hosts ? builder.entry_of_hosts() : builder.context_of_settings()).release();
    self->certificates_ = std::move(builder.certificates);
    self->authorities_ = std::move(builder.authorities);
    self->notes_ = std::move(builder.notes);
    ERR_clear_error();
    return self;
}

ServerContext::~ServerContext() {
    SSL_CTX_free(context_);
}

} // namespace pgmoat::tls
