// The client's role: initialize_SSL() of libpq (fe-secure-openssl.c). One difference: libpq goes on
// without a client certificate that does not exist or a revocation list that it cannot load, since
// it may just have guessed the path in the home directory. Here all paths come from the
// configuration, so that is an error.
#include "tls/alpn.h"
#include "tls/callbacks.h"
#include "tls/context.h"
#include "tls/context_parts.h"
#include "tls/error.h"
#include "tls/key_file.h"
#include "tls/pem_contents.h"
#include "tls/revocation.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <sys/stat.h>

#include <string_view>

namespace pgmoat::tls {

namespace {

constexpr std::string_view system_roots = "system";

constexpr const char* how_to_get_roots =
    "Either provide the file, use the system's trusted roots with sslrootcert=system, or change "
    "sslmode to disable server certificate verification.";

int requested_version(const char* which, const std::string& value) {
    if (const auto number = protocol_version(value)) return *number;
    throw Error("invalid value " + quoted(value) + " for " + which + " SSL protocol version");
}

void limit_versions(SSL_CTX* context, const ClientSettings& settings) {
    int lowest = 0;
    if (!settings.min_protocol_version.empty()) {
        lowest = requested_version("minimum", settings.min_protocol_version);
        if (SSL_CTX_set_min_proto_version(context, lowest) != 1)
            throw Error("could not set minimum SSL protocol version: " + take_reason());
    }
    if (settings.max_protocol_version.empty()) return;
    const int highest = requested_version("maximum", settings.max_protocol_version);
    if (SSL_CTX_set_max_proto_version(context, highest) != 1)
        throw Error("could not set maximum SSL protocol version: " + take_reason());
    if (lowest > highest) throw Error("invalid SSL protocol version range");
}

bool exists(const std::string& path) {
    struct stat status {};
    return stat(path.c_str(), &status) == 0;
}

void trust_system(SSL_CTX* context) {
    if (SSL_CTX_set_default_verify_paths(context) != 1)
        throw Error("could not load system root certificate paths: " + take_reason());
    ERR_clear_error();
}

void trust_file(SSL_CTX* context, const std::string& file) {
    std::string reason;
    if (!load_roots(context, file, reason))
        throw Error("could not read root certificate file " + quoted(file) + ": " + reason,
                    "",
                    hint_about(file, Pem::certificate));
}

// What is really verified, given the mode and the files. A root file that exists is used in every
// mode: with one, libpq's sslmode=require verifies the chain like verify-ca.
Verify trust(SSL_CTX* context, const ClientSettings& settings) {
    const std::string& file = settings.root_certificate_file;
    if (file == system_roots) {
        trust_system(context);
        load_revocation_lists(context, settings.crl_file, settings.crl_dir);
        return Verify::chain_and_name;
    }
    if (!file.empty() && exists(file)) {
        trust_file(context, file);
        load_revocation_lists(context, settings.crl_file, settings.crl_dir);
        return settings.verify == Verify::nothing ? Verify::chain : settings.verify;
    }
    if (settings.verify == Verify::nothing) return Verify::nothing;
    throw Error(file.empty() ? "no root certificate file is given"
                             : "root certificate file " + quoted(file) + " does not exist",
                "",
                how_to_get_roots);
}

void show_certificate(SSL_CTX* context, const ClientSettings& settings) {
    const std::string& file = settings.certificate_file;
    if (SSL_CTX_use_certificate_chain_file(context, file.c_str()) != 1)
        throw Error("could not read certificate file " + quoted(file) + ": " + take_reason(),
                    "",
                    hint_about(file, Pem::certificate));
    load_client_key(context, settings.key_file, settings.key_password);
    if (SSL_CTX_check_private_key(context) != 1) {
        throw Error("certificate does not match private key file " + quoted(settings.key_file) +
                    ": " + take_reason());
    }
}

void offer_alpn(SSL_CTX* context) {
    std::string list(1, static_cast<char>(alpn_name.size()));
    list += alpn_name;
    // Unlike its neighbours, this function returns 0 for success.
    if (SSL_CTX_set_alpn_protos(context,
                                reinterpret_cast<const unsigned char*>(list.data()),
                                static_cast<unsigned>(list.size())) != 0)
        throw Error("could not set SSL ALPN extension: " + take_reason());
}

} // namespace

std::shared_ptr<const ClientContext> ClientContext::load(const ClientSettings& settings) {
    const std::shared_ptr<ClientContext> self(new ClientContext);
    self->context_ = new_context().release();
    SSL_CTX* context = self->context_;
    limit_versions(context, settings);
    self->verify_ = trust(context, settings);
    if (self->verify_ != Verify::nothing) verify_peers(context, SSL_VERIFY_PEER);
    if (!settings.certificate_file.empty()) show_certificate(context, settings);
    if (settings.offer_postgresql) offer_alpn(context);
    self->send_server_name_ = settings.send_server_name;
    ERR_clear_error();
    return self;
}

ClientContext::~ClientContext() {
    SSL_CTX_free(context_);
}

} // namespace pgmoat::tls
