// Session::facts(): reads the facts of a finished handshake from the SSL object.
#include "tls/peer_facts.h"

#include "tls/certificate.h"
#include "tls/facts.h"
#include "tls/handles.h"

#include <openssl/objects.h>
#include <openssl/ssl.h>

namespace pgmoat::tls {

namespace {

std::string text_or_empty(const char* text) {
    return text == nullptr ? std::string() : text;
}

// OpenSSL's short names, as in ssl_groups. Groups without a NID (ML-KEM, from 3.5 on) have only
// their TLS name.
std::string group_name(SSL* ssl) {
    const long group = SSL_get_negotiated_group(ssl);
    if (group == NID_undef) return {};
    if ((group & TLSEXT_nid_unknown) == 0)
        return text_or_empty(OBJ_nid2sn(static_cast<int>(group)));
    return text_or_empty(SSL_group_to_name(ssl, static_cast<int>(group)));
}

std::string alpn(const SSL* ssl) {
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl, &name, &size);
    return size == 0 ? std::string() : std::string(reinterpret_cast<const char*>(name), size);
}

// PostgreSQL shows the algorithm's bits, not its strength: 168 for 3DES.
int cipher_bits(const SSL* ssl) {
    int bits = 0;
    SSL_get_cipher_bits(ssl, &bits);
    return bits;
}

} // namespace

PeerFacts read_facts(ssl_st* ssl) {
    PeerFacts facts;
    facts.version = text_or_empty(SSL_get_version(ssl));
    facts.cipher = text_or_empty(SSL_get_cipher(ssl));
    facts.cipher_bits = cipher_bits(ssl);
    facts.group = group_name(ssl);
    facts.alpn = alpn(ssl);
    facts.server_name = text_or_empty(SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name));
    facts.certificate_was_requested =
        SSL_is_server(ssl) == 1 && (SSL_get_verify_mode(ssl) & SSL_VERIFY_PEER) != 0;
    const CertificatePtr certificate(SSL_get1_peer_certificate(ssl));
    if (certificate) facts.certificate = certificate_facts(certificate.get());
    return facts;
}

} // namespace pgmoat::tls
