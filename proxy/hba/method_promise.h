// A rule's method is a promise: it lets no client in whom the server has asked for less. pgmoat
// does not check passwords, so the server's request is what the promise is held against (protocol/
// login_observer). `trust` in a rule is how one says that no proof is wanted.
//
//   method of the rule      | the server asks for
//   ------------------------+---------------------------------------------------------------------
//   scram-sha-256           | scram-sha-256
//   md5                     | md5, scram-sha-256
//   password                | password, md5, scram-sha-256
//   ldap, radius, pam, bsd  | password: on the wire they are one
//   gss, sspi, oauth        | the same
//   ident over TCP          | anything: it cannot be checked through a proxy
//   trust                   | anything, or nothing
//   cert, peer, ident of    | anything, or nothing: pgmoat has checked the client itself
//   a local record          |
#pragma once

#include "protocol/server_method.h"
#include "proxy/hba/rule.h"

namespace pgmoat::hba {

// What the server may ask for. Without a rule everything: the server alone decides.
[[nodiscard]] protocol::ServerMethods methods_that_satisfy(const Rule& rule) noexcept;

} // namespace pgmoat::hba
