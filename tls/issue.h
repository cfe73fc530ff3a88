// Makes keys and certificates: what a reader of PostgreSQL's "Secure TCP/IP Connections with SSL" chapter
// does by hand with openssl(1). Serves `pgmoat cert`, the quick start and the tests. Throws tls::Error.
#pragma once

#include <string>
#include <vector>

namespace pgmoat::tls {

enum class CertificateKind { authority, server, client };

// What is to be made. Key: ECDSA P-256. Serial: 128 random bits. Names go into subjectAltName as DNS or IP.
struct CertificateRequest {
    CertificateKind kind = CertificateKind::server;
    std::string common_name;
    std::vector<std::string> names;     // server: host names and addresses; the common name is added
    int days = 365;
    std::string issuer_certificate_file; // empty: self-signed
    std::string issuer_key_file;
};

// Writes both files anew (the key with mode 0600, the certificate with 0644) and never over an existing
// one unless `overwrite`.
void issue_certificate(const CertificateRequest& request,
                       const std::string& certificate_file,
                       const std::string& key_file,
                       bool overwrite);

} // namespace pgmoat::tls
