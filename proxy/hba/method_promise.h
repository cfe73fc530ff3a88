// A rule's method is a promise: no client gets in whom the server has asked for a weaker one.
// pgmoat does not check passwords itself, so it compares the server's request with the rule
// (protocol/login_observer). `trust` in a rule means that no authentication is required.
//
//   method of the rule      | the server asks for
//   ------------------------+---------------------------------------------------------------------
//   scram-sha-256           | scram-sha-256
//   md5                     | md5, scram-sha-256
//   password                | password, md5, scram-sha-256
//   ldap, radius, pam, bsd  | password: they look alike on the wire
//   gss, sspi, oauth        | the same
//   ident over TCP          | anything: it cannot be checked through a proxy
//   trust                   | anything, or nothing
//   cert, peer, ident of    | anything, or nothing: pgmoat has checked the client itself
//   a local record          |
#pragma once

#include "protocol/server_method.h"
#include "proxy/hba/rule.h"

namespace pgmoat::hba {

// What the server may ask for. Without a rule, anything: the server alone decides.
[[nodiscard]] protocol::ServerMethods methods_that_satisfy(const Rule& rule) noexcept;

} // namespace pgmoat::hba
