// Makes keys and certificates, as PostgreSQL's chapter "Secure TCP/IP Connections with SSL" does
// with openssl(1). Used by `pgmoat cert`, the quick start and the tests. Throws tls::Error.
#pragma once

#include "tls/context.h"

#include <cstdint>
#include <string>
#include <vector>

namespace pgmoat::tls {

// The request itself makes no sense, whatever the files contain.
struct InvalidRequest : Error {
    using Error::Error;
};

enum class CertificateKind { authority, server, client };

// ecdsa_p256 makes the cheapest handshakes: RSA costs a server two to ten times as much, and
// libpq's SCRAM cannot bind to an Ed25519 certificate.
enum class KeyType { ecdsa_p256, rsa_2048, ed25519 };

// Describes the certificate to be made. The serial number is 128 random bits. Names go into
// subjectAltName as DNS or IP; a client needs none.
struct CertificateRequest {
    CertificateKind kind = CertificateKind::server;
    std::string common_name;        // server: may be empty where there are names
    std::vector<std::string> names; // server: host names and addresses, the common name is added
    int days = 0;                   // 0: a year, for a CA ten, but no longer than its issuer
    int starts_in_days = 0;         // from now; negative: in the past
    KeyType key_type = KeyType::ecdsa_p256;
    std::string issuer_certificate_file; // empty: self-signed
    std::string issuer_key_file;
    bool any_names = false; // for tests: also allows names that no client could match
};

// Writes both files (the key with mode 0600, the certificate with 0644) and never over an existing
// one unless `overwrite`. Returns the certificate's notAfter in Unix seconds.
std::int64_t issue_certificate(const CertificateRequest& request,
                               const std::string& certificate_file,
                               const std::string& key_file,
                               bool overwrite);

} // namespace pgmoat::tls
