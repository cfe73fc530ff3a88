#include "tls/callbacks.h"

#include "tls/certificate.h"

#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <chrono>
#include <exception>
#include <string_view>
#include <utility>

namespace pgmoat::tls {

namespace {

Notes* notes_of(const SSL* ssl) {
    return static_cast<Notes*>(SSL_get_app_data(ssl));
}

int note_refusal(int accepted, X509_STORE_CTX* chain) {
    if (accepted == 1) return 1;
    const auto* ssl = static_cast<const SSL*>(
        X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
    Notes* notes = notes_of(ssl);
    if (notes == nullptr) return 0;
    try {
        notes->refusal = refusal_text(notes->is_server ? "Client" : "Server",
                                      X509_STORE_CTX_get_error_depth(chain),
                                      X509_STORE_CTX_get_error(chain),
                                      X509_STORE_CTX_get_current_cert(chain));
    } catch (const std::exception&) {
        notes->refusal.clear(); // no memory: refused without a text
    }
    return 0;
}

// Called at each step of the handshake machine and for alerts, never for application data.
void count_no_progress(const SSL* ssl, int where, int alert) {
    const OSSL_HANDSHAKE_STATE state = SSL_get_state(ssl);
    const bool key_update = (where & SSL_CB_LOOP) != 0 &&
                            (state == TLS_ST_SR_KEY_UPDATE || state == TLS_ST_CR_KEY_UPDATE);
    const bool refused_renegotiation = (where & SSL_CB_WRITE_ALERT) == SSL_CB_WRITE_ALERT &&
                                       alert == ((SSL3_AL_WARNING << 8) | SSL_AD_NO_RENEGOTIATION);
    if (!key_update && !refused_renegotiation) return;
    if (Notes* notes = notes_of(ssl))
        notes->no_progress_messages.count(std::chrono::steady_clock::now());
}

// OpenSSL has already checked that `offered` is a well-formed list of length-prefixed names.
int choose_alpn(SSL*,
                const unsigned char** chosen,
                unsigned char* chosen_size,
                const unsigned char* offered,
                unsigned offered_size,
                void* wanted) {
    const auto& alpn = *static_cast<const std::string_view*>(wanted);
    std::string_view rest(reinterpret_cast<const char*>(offered), offered_size);
    while (!rest.empty()) {
        const std::size_t size = static_cast<unsigned char>(rest.front());
        const std::string_view name = rest.substr(1, size);
        if (name == alpn) {
            *chosen = reinterpret_cast<const unsigned char*>(alpn.data());
            *chosen_size = static_cast<unsigned char>(alpn.size());
            return SSL_TLSEXT_ERR_OK;
        }
        rest.remove_prefix(1 + name.size());
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

} // namespace

void watch_messages(ssl_ctx_st* context) {
    SSL_CTX_set_info_callback(context, count_no_progress);
}

void verify_peers(ssl_ctx_st* context, int mode) {
    SSL_CTX_set_verify(context, mode, note_refusal);
}

void note_unknown_host(ssl_st* ssl, std::string text) {
    Notes* notes = notes_of(ssl);
    if (notes == nullptr) return;
    notes->unknown_host = true;
    notes->refusal = std::move(text);
}

void require_alpn(ssl_ctx_st* context, const std::string_view& name) {
    SSL_CTX_set_alpn_select_cb(context, choose_alpn, const_cast<std::string_view*>(&name));
}

} // namespace pgmoat::tls
