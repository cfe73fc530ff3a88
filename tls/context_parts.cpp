#include "tls/context_parts.h"

#include "tls/callbacks.h"
#include "tls/context.h"
#include "tls/error.h"
#include "tls/key_file.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include <strings.h>

#include <array>
#include <utility>

namespace pgmoat::tls {

std::vector<x509_st*> authorities_in(x509_store_st* store) {
    std::vector<X509*> found;
    const STACK_OF(X509_OBJECT)* objects = X509_STORE_get0_objects(store);
    for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
        X509* authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
        if (authority != nullptr) found.push_back(authority);
    }
    return found;
}

std::string quoted(const std::string& path) {
    return "\"" + path + "\"";
}

BioPtr open_file(const std::string& path) {
    BioPtr file(BIO_new_file(path.c_str(), "r"));
    if (!file) throw Error("could not open file " + quoted(path) + ": " + take_reason());
    return file;
}

SslContextPtr new_context() {
    SslContextPtr context(SSL_CTX_new(TLS_method()));
    if (!context) throw Error("could not create SSL context: " + take_reason());
    SSL_CTX* ctx = context.get();
    // An idle session frees its 33 KiB of record buffers; this costs 70 ns per record.
    SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_num_tickets(ctx, 0);
    // An OpenSSL may be built to set this callback itself when the environment has SSLKEYLOGFILE.
    SSL_CTX_set_keylog_callback(ctx, nullptr);
    never_ask_for_passphrases(ctx);
    watch_messages(ctx);
    return context;
}

std::optional<int> protocol_version(const std::string& name) {
    static constexpr std::array<std::pair<const char*, int>, 4> versions{{
        {"TLSv1", TLS1_VERSION},
        {"TLSv1.1", TLS1_1_VERSION},
        {"TLSv1.2", TLS1_2_VERSION},
        {"TLSv1.3", TLS1_3_VERSION},
    }};
    for (const auto& [known, number] : versions) {
        if (strcasecmp(known, name.c_str()) == 0) return number;
    }
    return std::nullopt;
}

bool load_roots(ssl_ctx_st* context, const std::string& file, std::string& reason) {
    if (SSL_CTX_load_verify_locations(context, file.c_str(), nullptr) != 1) {
        reason = take_reason();
        return false;
    }
    ERR_clear_error();
    if (!authorities_in(SSL_CTX_get_cert_store(context)).empty()) return true;
    reason = "no certificate found";
    return false;
}

} // namespace pgmoat::tls
