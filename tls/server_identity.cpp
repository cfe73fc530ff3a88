#include "tls/server_identity.h"

#include "tls/callbacks.h"
#include "tls/certificate.h"
#include "tls/context_parts.h"
#include "tls/error.h"
#include "tls/key_file.h"
#include "tls/pem_contents.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>

namespace pgmoat::tls {

namespace {

void show_certificate(SSL_CTX* context, const KeyPair& pair, const PassphraseSource& passphrases) {
    const std::string& file = pair.certificate_file;
    if (SSL_CTX_use_certificate_chain_file(context, file.c_str()) != 1)
        throw Error("could not load server certificate file " + quoted(file) + ": " + take_reason(),
                    "",
                    hint_about(file, Pem::certificate));
    load_server_key(context, pair.key_file, passphrases);
    if (SSL_CTX_check_private_key(context) != 1)
        throw Error("check of private key failed: " + take_reason(),
                    "",
                    "The private key file " + quoted(pair.key_file) +
                        " does not belong to the certificate file " + quoted(file) + ".");
}

// The slot for a key's type: an SSL_CTX holds one certificate of each type.
int place_of(SSL_CTX* context) {
    return EVP_PKEY_get_base_id(X509_get0_pubkey(SSL_CTX_get0_certificate(context)));
}

// Of the CAs in the store, which has at least one.
FileCertificate first_to_expire(X509_STORE* store) {
    const std::vector<X509*> authorities = authorities_in(store);
    const auto end_of = [](const X509* one) { return unix_seconds(X509_get0_notAfter(one)); };
    return file_certificate(*std::min_element(
        authorities.begin(), authorities.end(), [&end_of](const X509* left, const X509* right) {
            return end_of(left) < end_of(right);
        }));
}

} // namespace

std::vector<OwnCertificate> show_certificates(ssl_ctx_st* context, const ServerIdentity& identity) {
    std::vector<OwnCertificate> shown;
    std::vector<int> taken;
    for (const KeyPair& pair : identity.pairs) {
        show_certificate(context, pair, identity.passphrases);
        const int place = place_of(context);
        if (std::find(taken.begin(), taken.end(), place) != taken.end()) {
            throw Error("could not load server certificate file " + quoted(pair.certificate_file) +
                            ": there already is a certificate with a key of this type",
                        "",
                        "Several certificates are for clients that do not support the same keys: "
                        "RSA and ECDSA, say.");
        }
        taken.push_back(place);
        shown.push_back(describe_own(SSL_CTX_get0_certificate(context)));
        shown.back().file = pair.certificate_file;
    }
    ERR_clear_error();
    return shown;
}

OwnAuthority ask_for_client_certificates(ssl_ctx_st* context, const std::string& ca_file) {
    std::string reason;
    STACK_OF(X509_NAME)* names = nullptr;
    if (load_roots(context, ca_file, reason)) {
        names = SSL_load_client_CA_file(ca_file.c_str());
        if (names == nullptr) reason = take_reason();
    }
    if (names == nullptr)
        throw Error("could not load root certificate file " + quoted(ca_file) + ": " + reason,
                    "",
                    hint_about(ca_file, Pem::certificate));
    ERR_clear_error();
    SSL_CTX_set_client_CA_list(context, names);
    verify_peers(context, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE);
    return {first_to_expire(SSL_CTX_get_cert_store(context)), ca_file};
}

void ask_for_the_same_client_certificates(ssl_ctx_st* context, const ssl_ctx_st* other) {
    STACK_OF(X509_NAME)* names = SSL_dup_CA_list(SSL_CTX_get_client_CA_list(other));
    if (names == nullptr) throw Error("could not create SSL context: out of memory");
    SSL_CTX_set_client_CA_list(context, names);
    SSL_CTX_set1_cert_store(context, SSL_CTX_get_cert_store(other));
    verify_peers(context, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE);
}

} // namespace pgmoat::tls
