// What a server shows to its clients and asks of them: certificates, keys, CA. There is one of
// these for ssl_cert_file and its neighbours, or one for each line of pg_hosts.conf. Internal to
// tls/.
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
// a handshake then takes the one that the client can use. Gives what they look like, in the same
// order. Throws Error.
[[nodiscard]] std::vector<OwnCertificate> show_certificates(ssl_ctx_st* context,
                                                            const ServerIdentity& identity);

// A client without a certificate passes: whether it needs one is for the rules to say. Gives what
// the authorities look like. Throws Error.
[[nodiscard]] OwnAuthority ask_for_client_certificates(ssl_ctx_st* context,
                                                       const std::string& ca_file);

// As `other` does, with the same authorities and lists in memory: they are as large as their files.
void ask_for_the_same_client_certificates(ssl_ctx_st* context, const ssl_ctx_st* other);

} // namespace pgmoat::tls
