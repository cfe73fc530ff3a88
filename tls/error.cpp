#include "tls/error.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <system_error>

namespace pgmoat::tls {

namespace {

Failure classify_verification(long result) {
    switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID: return Failure::certificate_expired;
    case X509_V_ERR_CERT_REVOKED: return Failure::certificate_revoked;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH: return Failure::certificate_name;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
    case X509_V_ERR_CERT_UNTRUSTED:
    case X509_V_ERR_CERT_REJECTED:
    case X509_V_ERR_INVALID_CA: return Failure::certificate_untrusted;
    default: return Failure::certificate_other;
    }
}

// The reason that the peer gave in a fatal alert (RFC 8446, section 6.2).
Failure classify_alert(int alert) {
    switch (alert) {
    case SSL_AD_HANDSHAKE_FAILURE: // "no acceptable set of security parameters"
    case SSL_AD_INSUFFICIENT_SECURITY: return Failure::no_shared_cipher;
    case SSL_AD_PROTOCOL_VERSION: return Failure::protocol_version;
    case SSL_AD_NO_APPLICATION_PROTOCOL: return Failure::no_alpn;
    case SSL_AD_UNRECOGNIZED_NAME: return Failure::unrecognized_name;
    case SSL_AD_CERTIFICATE_REQUIRED: return Failure::certificate_required;
    case SSL_AD_UNKNOWN_CA: return Failure::certificate_untrusted;
    case SSL_AD_CERTIFICATE_EXPIRED: return Failure::certificate_expired;
    case SSL_AD_CERTIFICATE_REVOKED: return Failure::certificate_revoked;
    case SSL_AD_BAD_CERTIFICATE:
    case SSL_AD_UNSUPPORTED_CERTIFICATE:
    case SSL_AD_CERTIFICATE_UNKNOWN: return Failure::certificate_other;
    default: return Failure::other;
    }
}

Failure classify_reason(int reason, long verify_result) {
    switch (reason) {
    case SSL_R_UNEXPECTED_EOF_WHILE_READING: return Failure::end_of_stream;
    case SSL_R_CERTIFICATE_VERIFY_FAILED: return classify_verification(verify_result);
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE: return Failure::certificate_required;
    case SSL_R_NO_APPLICATION_PROTOCOL: return Failure::no_alpn;
    case SSL_R_RECORD_TOO_SMALL: // empty records, 32 of them in a row
    case SSL_R_TOO_MANY_WARN_ALERTS: return Failure::flood;
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST: return Failure::not_tls;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_CIPHERS_AVAILABLE:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM: return Failure::no_shared_cipher;
    case SSL_R_NO_SHARED_GROUPS:
    case SSL_R_NO_SUITABLE_GROUPS:
    case SSL_R_NO_SUITABLE_KEY_SHARE: return Failure::no_shared_group;
    case SSL_R_NO_PROTOCOLS_AVAILABLE:
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_BAD_PROTOCOL_VERSION_NUMBER:
    case SSL_R_UNKNOWN_PROTOCOL:
    case SSL_R_UNKNOWN_SSL_VERSION:
    case SSL_R_UNSUPPORTED_SSL_VERSION:
    case SSL_R_WRONG_SSL_VERSION:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_VERSION_TOO_HIGH:
    case SSL_R_VERSION_TOO_LOW: return Failure::protocol_version;
    default: return Failure::other;
    }
}

} // namespace

std::string reason_text(unsigned long code) {
    if (code == 0) return "no SSL error reported";
    if (ERR_SYSTEM_ERROR(code)) return std::generic_category().message(ERR_GET_REASON(code));
    const char* reason = ERR_reason_error_string(code);
    if (reason != nullptr) return reason;
    return "SSL error code " + std::to_string(code);
}

std::string take_reason() {
    const unsigned long code = ERR_get_error();
    std::string text = reason_text(code);
    ERR_clear_error();
    return text;
}

Failure classify(unsigned long code, long verify_result) {
    if (ERR_GET_LIB(code) != ERR_LIB_SSL) return Failure::other;
    const int reason = ERR_GET_REASON(code);
    // In OpenSSL's numbering, reasons from here on are alerts that were received.
    if (reason >= SSL_AD_REASON_OFFSET) return classify_alert(reason - SSL_AD_REASON_OFFSET);
    return classify_reason(reason, verify_result);
}

bool is_unexpected_end(unsigned long code) {
    return ERR_GET_LIB(code) == ERR_LIB_SSL &&
           ERR_GET_REASON(code) == SSL_R_UNEXPECTED_EOF_WHILE_READING;
}

} // namespace pgmoat::tls
