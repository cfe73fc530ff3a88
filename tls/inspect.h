// The content of certificate and revocation files, as plain values, for `pgmoat check`. Reads files
// that a context could be built from; throws Error when one cannot be read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace pgmoat::tls {

struct ChainLink {
    std::string subject; // slash form
    std::string issuer;
    bool issued_by_next = false;    // checked by signature, not only by name
    bool self_signed = false;       // its own key has signed it
    bool seems_self_signed = false; // to OpenSSL, which compares names and key identifiers first
    std::int64_t not_before = 0;    // Unix seconds
    std::int64_t not_after = 0;
    bool weak_signature = false; // MD5, SHA-1; irrelevant if self-signed
};

// The contents of a certificate file (ssl_cert_file).
struct ChainFacts {
    std::vector<ChainLink> links;   // leaf first
    std::vector<std::string> names; // names and addresses of the leaf: "db.example.com", "10.0.0.1"
    bool has_alternative_names = false;
    std::int64_t not_before = 0; // of the leaf; Unix seconds
    std::int64_t not_after = 0;
    std::string key_type; // "RSA", "EC", "ED25519"
    int key_bits = 0;
    bool for_servers = true; // keyUsage and extendedKeyUsage allow it
};
[[nodiscard]] ChainFacts inspect_chain(const std::string& file);

// Why no client that verifies certificates can accept this chain, whatever CAs it trusts; empty:
// some may.
[[nodiscard]] std::string verification_problem(const ChainFacts& chain, std::int64_t now);

// By libpq's rules: the first certificate in the file is valid for this host name or address.
[[nodiscard]] bool names_host(const std::string& file, const std::string& host);

// libpq's "IP literal", for which no SNI is sent.
[[nodiscard]] bool is_address(const std::string& host);

// The subjects of certificates in a CA file that may not sign others.
[[nodiscard]] std::vector<std::string> leaves_among_authorities(const std::string& file);

struct ListFacts {
    std::string file;
    std::string issuer;
    std::int64_t next_update = 0; // Unix seconds; 0: it names none and never expires
};
// Reads ssl_crl_file and the files that OpenSSL looks up in ssl_crl_dir; either may be empty.
[[nodiscard]] std::vector<ListFacts> inspect_lists(const std::string& file,
                                                   const std::string& folder);

// The ciphers in a list for TLS 1.2 and below that do not encrypt or do not authenticate.
[[nodiscard]] std::vector<std::string> broken_ciphers(const std::string& list);

} // namespace pgmoat::tls
