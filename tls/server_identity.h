// A server's certificates and keys, and the CA for client certificates: one set from ssl_cert_file
// and the settings around it, or one for each line of pg_hosts.conf. Internal to tls/.
#pragma once

#include "tls/context.h"
#include "tls/passphrase.h"

#include <string>
#include <vector>

struct ssl_ctx_st;

namespace pgmoat::tls {

struct ServerIdentity {
    const std::vector<KeyPair>& pairs;
    const std::string& ca_file;
    PassphraseSource passphrases;
};

// Loads the certificates with their keys, which must be of different types when there are several:
// a handshake then takes the one that the client can use. Returns their facts in the same order.
// Throws Error.
[[nodiscard]] std::vector<OwnCertificate> show_certificates(ssl_ctx_st* context,
                                                            const ServerIdentity& identity);

// A client without a certificate is accepted here: the access rules decide whether it needs one.
// Returns the facts of the CAs. Throws Error.
[[nodiscard]] OwnAuthority ask_for_client_certificates(ssl_ctx_st* context,
                                                       const std::string& ca_file);

// Shares the CAs and lists of `other`, which take as much memory as their files.
void ask_for_the_same_client_certificates(ssl_ctx_st* context, const ssl_ctx_st* other);

} // namespace pgmoat::tls
