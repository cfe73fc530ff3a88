// The facts of a finished handshake about the connection and its peer, in PostgreSQL's spellings, as
// plain values that outlive the session. Filled in by tls::Session, read everywhere.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pgmoat::tls {

struct CertificateFacts {
    std::string subject;                // slash form, as pg_stat_ssl shows it
    std::string subject_rfc2253;        // comma form, as pg_hba.conf's clientname=DN compares it
    std::string common_name;            // the first CN, as in PostgreSQL; never cut
    std::string issuer;                 // slash form
    std::string serial;                 // decimal
    std::vector<std::string> dns_names; // subjectAltName
    std::int64_t not_after = 0;         // Unix seconds
    std::string leaf_sha256;            // hex, of the DER
};

struct PeerFacts {
    std::string version;                    // "TLSv1.3"
    std::string cipher;                     // OpenSSL's name
    int cipher_bits = 0;                    // pg_stat_ssl.bits: 256 for AES-256
    std::string group;                      // "X25519", "prime256v1"; empty: no (EC)DHE or unknown
    std::string alpn;                       // negotiated; empty: none
    std::string server_name;                // SNI that the client sent; empty: none
    bool certificate_was_requested = false; // there is a CA, for the host that the client asked for
    std::optional<CertificateFacts> certificate; // the peer's, if it sent one
};

} // namespace pgmoat::tls
