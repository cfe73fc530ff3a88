// The result of each sslmode of a libpq client at a listener: libpq's order of attempts, against
// the rules, the host names of pg_hosts.conf and the certificates. With passed-through TLS only the
// rules are known; the server is assumed to offer TLS and to refuse no client. Reads certificate
// files; opens no socket.
//
//   sslmode      | attempts                                       | ends at the first that
//   -------------+------------------------------------------------+------------------------------
//   disable      | plaintext                                      |
//   allow        | plaintext, then TLS                            | is let in
//   prefer       | TLS, then plaintext                            | is let in
//   require      | TLS                                            |
//   verify-ca    | TLS; the chain must lead to sslrootcert        |
//   verify-full  | the same, and the certificate must name `host` |
//
// Source: libpq, fe-connect.c, PQconnectPoll() and connection_failed().
#pragma once

#include "proxy/cli/client_classes.h"
#include "proxy/config/config.h"
#include "proxy/hba/rule.h"

#include <cstdint>
#include <string>
#include <vector>

namespace pgmoat::cli {

struct ClientQuestion {
    Who who;
    std::string host; // that the client connects to; empty: any
};

// Returns lines with a table for each listener, and for each group of host names if that matters.
// `rules` are those of the listeners (none: every client is let in); `now` is in Unix seconds.
// Throws tls::Error.
[[nodiscard]] std::vector<std::string> explain_sslmodes(const config::Config& config,
                                                        const std::vector<const hba::Rules*>& rules,
                                                        const ClientQuestion& question,
                                                        std::int64_t now);

} // namespace pgmoat::cli
