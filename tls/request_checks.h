// Whether a certificate that is asked for can be of use: names that a client can compare, an issuer
// that may sign. Internal to tls/.
#pragma once

#include "tls/handles.h"
#include "tls/issue.h"

#include <cstdint>
#include <string>

namespace pgmoat::tls {

// An address in network order; empty: it is a host name.
[[nodiscard]] std::string address_bytes(const std::string& name);

// Names and paths alone; reads no file. Throws InvalidRequest.
void check_request(const CertificateRequest& request,
                   const std::string& certificate_file,
                   const std::string& key_file);

// An authority that may sign certificates now. Throws Error, which names the file.
void check_issuer(x509_st* certificate, const std::string& file);

// When the new certificate ends, in Unix seconds: as asked for, else after a year (an authority:
// ten), and never later than its issuer. Throws InvalidRequest where more is asked for. `issuer`
// is null where it signs itself.
[[nodiscard]] std::int64_t
end_of_life(const CertificateRequest& request, std::int64_t begin, x509_st* issuer);

} // namespace pgmoat::tls
