// The validity of certificate files and revocation lists as written in them, for metrics and status
// pages. No trust decision depends on this: a file that cannot be read just has no facts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace pgmoat::tls {

struct FileCertificate {
    std::string subject_cn; // the first CN; empty: none
    std::string issuer_cn;
    std::string serial;              // decimal
    std::string key_type;            // "RSA-2048", "EC-256", "ED25519"
    std::string signature_algorithm; // OpenSSL's name: "ecdsa-with-SHA256"
    std::int64_t not_before = 0;     // Unix seconds
    std::int64_t not_after = 0;
};

enum class WhichCertificate {
    leaf,            // the first one of a chain
    first_to_expire, // of a file of authorities
};

// Reads a PEM file. Nothing: no certificate in it could be read.
[[nodiscard]] std::optional<FileCertificate> read_certificate_file(const std::string& path,
                                                                   WhichCertificate which);

// The earliest nextUpdate of the lists in a PEM file, in Unix seconds; 0: none has one. Nothing: no
// list in it could be read.
[[nodiscard]] std::optional<std::int64_t> read_next_update(const std::string& path);

// The files that OpenSSL looks up in a folder of lists, sorted: HASH.rN, as `openssl rehash` names
// them. Empty if it cannot be read.
[[nodiscard]] std::vector<std::string> lists_in_folder(const std::string& folder);

// OpenSSL runs with its FIPS provider.
[[nodiscard]] bool fips_enabled();

} // namespace pgmoat::tls
