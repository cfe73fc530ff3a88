// What a certificate file contains, for the command line: no connection is needed.
#pragma once

#include "tls/peer_facts.h"

#include <string>

namespace pgmoat::tls {

// The first certificate of a PEM file. Throws Error.
[[nodiscard]] CertificateFacts read_certificate(const std::string& file);

} // namespace pgmoat::tls
