// The files with certificates and revocation lists that a configuration names, as metrics and
// status pages show them. Read when a configuration was loaded, not at a scrape: these threads
// serve.
//
//   role             file
//   server           ssl_cert_file: the leaf
//   client_ca        ssl_ca_file: the authority that expires first
//   upstream_client  sslcert of an upstream: the leaf
//   upstream_ca      sslrootcert of an upstream: the authority that expires first
//   crl              ssl_crl_file, sslcrl, and the files of ssl_crl_dir, sslcrldir
#pragma once

#include "metrics/exporter.h"
#include "proxy/config/config.h"

#include <vector>

namespace pgmoat {

using CertificateStates = std::vector<metrics::CertificateState>;

// Of a configuration that is in use.
[[nodiscard]] CertificateStates read_certificates(const config::Config& config);

// After `refused` could not be loaded: the facts of what is in use, and which file is to blame.
[[nodiscard]] CertificateStates after_failed_load(CertificateStates in_use,
                                                  const config::Config& refused);

} // namespace pgmoat
