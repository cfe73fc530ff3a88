// The files with certificates and revocation lists that a configuration names, as metrics and
// status pages show them. They are read when a configuration is loaded, not at a scrape, which must
// not wait for files.
//
//   role             file
//   server           ssl_cert_file: the leaf
//   client_ca        ssl_ca_file: the authority that expires first
//   upstream_client  sslcert of an upstream: the leaf
//   upstream_ca      sslrootcert of an upstream: the authority that expires first
//   http             http_tls_cert_file: the leaf
//   crl              ssl_crl_file, sslcrl, and the files of ssl_crl_dir, sslcrldir
#pragma once

#include "metrics/exporter.h"
#include "proxy/config/config.h"
#include "proxy/runtime/runtime_config.h"
#include "tls/context.h"

#include <vector>

namespace pgmoat::server {

using CertificateStates = std::vector<metrics::CertificateState>;

// For the configuration in use.
[[nodiscard]] CertificateStates read_certificates(const runtime::RuntimeConfig& setup);

// Finds the files because of which `refused` could not be loaded. May run passphrase commands.
[[nodiscard]] CertificateStates find_faults(const config::Config& refused,
                                            const tls::Loading& loading);

// Sets load_failed in the states in use from `faults`; the facts stay.
void mark_faults(CertificateStates& in_use, const CertificateStates& faults);

} // namespace pgmoat::server
