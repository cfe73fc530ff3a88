// The contents of one certificate as plain values in PostgreSQL's spellings, for peers'
// certificates and our own. Internal to tls/.
#pragma once

#include "tls/context.h"
#include "tls/peer_facts.h"

#include <optional>
#include <string>
#include <vector>

struct asn1_string_st;
struct X509_name_st;
struct x509_st;

namespace pgmoat::tls {

// A name that the certificate is valid for, byte for byte, NULs included.
struct AlternativeName {
    enum class Kind { dns, address, other };
    Kind kind = Kind::other;
    std::string bytes; // address: 4 or 16 in network order; other: empty
};
struct CertificateNames {
    std::vector<AlternativeName> alternative;
    // The first one, in the order of the encoding, which is PostgreSQL's and libpq's choice.
    std::optional<std::string> common_name;
};
[[nodiscard]] std::optional<std::string> common_name_of(const X509_name_st* name);
[[nodiscard]] CertificateNames names_of(x509_st* certificate);

// "/O=PG/CN=x", in the order of the encoding: pg_stat_ssl, log messages.
[[nodiscard]] std::string slash_form(const X509_name_st* name);
// Decimal, any size; "unknown" if memory runs out.
[[nodiscard]] std::string serial_number(x509_st* certificate);

// 0: not a time that OpenSSL can read.
[[nodiscard]] std::int64_t unix_seconds(const asn1_string_st* time);

[[nodiscard]] CertificateFacts certificate_facts(x509_st* certificate);
// The facts of a certificate in a file (file_facts.h).
[[nodiscard]] FileCertificate file_certificate(x509_st* certificate);
[[nodiscard]] OwnCertificate describe_own(x509_st* certificate);

// RFC 5929's tls-server-end-point: the certificate's digest by its own signature algorithm, with
// SHA-256 in place of MD5 and SHA-1. Empty for Ed25519 and Ed448, which have none.
[[nodiscard]] std::vector<std::uint8_t> end_point_digest(const x509_st* certificate);

// PostgreSQL's text for a client certificate whose names hold a NUL and could be taken for
// another's (CVE-2009-4034); empty if there is none.
[[nodiscard]] std::string embedded_null(x509_st* certificate);

// The DETAIL lines for a refused certificate, `role` being "Client" or "Server".
[[nodiscard]] std::string
refusal_text(const char* role, int depth, long verify_error, x509_st* certificate);

} // namespace pgmoat::tls
