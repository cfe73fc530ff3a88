// Checks whether a requested certificate can be used: names that a client can compare, an issuer
// that may sign. Internal to tls/.
#pragma once

#include "tls/handles.h"
#include "tls/issue.h"

#include <cstdint>
#include <string>

namespace pgmoat::tls {

inline constexpr std::int64_t seconds_per_day = std::int64_t{24} * 60 * 60;

// The address in network order; empty if `name` is a host name.
[[nodiscard]] std::string address_bytes(const std::string& name);

// Checks names and paths only; reads no file. Throws InvalidRequest.
void check_request(const CertificateRequest& request,
                   const std::string& certificate_file,
                   const std::string& key_file);

// Checks that the file holds a CA that may sign certificates now. Throws Error, which names the
// file.
void check_issuer(x509_st* certificate, const std::string& file);

// The notAfter of the new certificate in Unix seconds: as requested, else in a year (a CA: ten),
// and never later than its issuer's. Throws InvalidRequest if more is requested. `issuer` is null
// for a self-signed certificate.
[[nodiscard]] std::int64_t
end_of_life(const CertificateRequest& request, std::int64_t begin, x509_st* issuer);

} // namespace pgmoat::tls
