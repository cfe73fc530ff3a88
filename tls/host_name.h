// Is a server's certificate valid for the host that we connect to? libpq's rules, not OpenSSL's
// (fe-secure-common.c, fe-secure-openssl.c), so that verify-full means the same behind the proxy: -
// a host that is an address is compared with the iPAddress names, any other with the dNSNames; -
// the common name counts only when the certificate has no alternative name of that kind; - a
// wildcard stands for the whole leftmost label and nothing else; - a certificate with a NUL in a
// name that is compared is refused. Internal to tls/.
#pragma once

#include "tls/certificate.h"

#include <string>

namespace pgmoat::tls {

// Empty if it is valid, else libpq's text.
[[nodiscard]] std::string host_name_mismatch(const CertificateNames& names,
                                             const std::string& host);

// libpq's "IP literal", which is not sent as SNI: only digits and dots, or with a colon.
[[nodiscard]] bool looks_like_address(const std::string& host);

} // namespace pgmoat::tls
