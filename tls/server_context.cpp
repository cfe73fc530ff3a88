// The server's role: be_tls_init() of PostgreSQL 18 (be-secure-openssl.c), step for step and in its
// order, so that of several mistakes the same one is reported.
#include "tls/alpn.h"
#include "tls/callbacks.h"
#include "tls/certificate.h"
#include "tls/context.h"
#include "tls/context_parts.h"
#include "tls/dh_parameters.h"
#include "tls/error.h"
#include "tls/key_file.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

namespace pgmoat::tls {

namespace {

void show_certificate(SSL_CTX* context, const ServerSettings& settings, const Loading& loading) {
    if (SSL_CTX_use_certificate_chain_file(context, settings.certificate_file.c_str()) != 1) {
        throw Error("could not load server certificate file " + quoted(settings.certificate_file) +
                    ": " + take_reason());
    }
    load_server_key(
        context,
        settings.key_file,
        {settings.passphrase_command, settings.passphrase_command_supports_reload, loading});
    if (SSL_CTX_check_private_key(context) != 1)
        throw Error("check of private key failed: " + take_reason());
}

int version_number(const char* setting, const std::string& value) {
    if (const auto number = protocol_version(value)) return *number;
    throw Error(std::string("invalid value for parameter \"") + setting + "\": " + quoted(value),
                "",
                "Available values: TLSv1, TLSv1.1, TLSv1.2, TLSv1.3.");
}

void limit_versions(SSL_CTX* context, const ServerSettings& settings) {
    const int lowest = version_number("ssl_min_protocol_version", settings.min_protocol_version);
    if (SSL_CTX_set_min_proto_version(context, lowest) != 1)
        throw Error("could not set minimum SSL protocol version");
    if (settings.max_protocol_version.empty()) return;
    const int highest = version_number("ssl_max_protocol_version", settings.max_protocol_version);
    if (SSL_CTX_set_max_proto_version(context, highest) != 1)
        throw Error("could not set maximum SSL protocol version");
    if (lowest > highest) {
        throw Error("could not set SSL protocol version range",
                    "\"ssl_min_protocol_version\" cannot be higher than "
                    "\"ssl_max_protocol_version\"",
                    "");
    }
}

void set_groups(SSL_CTX* context, const std::string& groups) {
    if (SSL_CTX_set1_groups_list(context, groups.c_str()) == 1) return;
    // OpenSSL before 3.3 does not say what it disliked.
    std::string reason = "No valid groups found";
    if (ERR_peek_error() != 0) reason = take_reason();
    throw Error("could not set group names specified in ssl_groups: " + reason,
                "",
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

// A client without a certificate passes: whether it needs one is for the rules to say.
void ask_for_client_certificates(SSL_CTX* context, const std::string& ca_file) {
    std::string reason;
    STACK_OF(X509_NAME)* names = nullptr;
    if (load_roots(context, ca_file, reason)) {
        names = SSL_load_client_CA_file(ca_file.c_str());
        if (names == nullptr) reason = take_reason();
    }
    if (names == nullptr)
        throw Error("could not load root certificate file " + quoted(ca_file) + ": " + reason);
    ERR_clear_error();
    SSL_CTX_set_client_CA_list(context, names);
    verify_peers(context, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE);
}

} // namespace

std::shared_ptr<const ServerContext> ServerContext::load(const ServerSettings& settings,
                                                         const Loading& loading) {
    const std::shared_ptr<ServerContext> self(new ServerContext);
    self->context_ = new_context().release();
    SSL_CTX* context = self->context_;
    show_certificate(context, settings, loading);
    limit_versions(context, settings);
    set_dh_parameters(context, settings.dh_params_file, loading.occasion, self->notes_);
    set_groups(context, settings.groups);
    set_ciphers(context, settings);
    require_alpn(context, settings.application == Application::http ? alpn_http : alpn_name);
    if (!settings.ca_file.empty()) ask_for_client_certificates(context, settings.ca_file);
    load_revocation_lists(context, settings.crl_file, settings.crl_dir);
    self->certificate_ = describe_own(SSL_CTX_get0_certificate(context));
    self->asks_client_ = !settings.ca_file.empty();
    ERR_clear_error();
    return self;
}

ServerContext::~ServerContext() {
    SSL_CTX_free(context_);
}

} // namespace pgmoat::tls
