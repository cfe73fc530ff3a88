#include "tls/handles.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

namespace pgmoat::tls {

void Free::operator()(bio_st* bio) const noexcept {
    BIO_free_all(bio);
}
void Free::operator()(evp_pkey_st* key) const noexcept {
    EVP_PKEY_free(key);
}
void Free::operator()(ssl_ctx_st* context) const noexcept {
    SSL_CTX_free(context);
}
void Free::operator()(ssl_st* ssl) const noexcept {
    SSL_free(ssl);
}
void Free::operator()(x509_st* certificate) const noexcept {
    X509_free(certificate);
}
void Free::operator()(X509_crl_st* list) const noexcept {
    X509_CRL_free(list);
}
void Free::operator()(stack_st_GENERAL_NAME* names) const noexcept {
    GENERAL_NAMES_free(names);
}

} // namespace pgmoat::tls
