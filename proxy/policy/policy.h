// Who may connect, and to which upstream: the decision between greeting a client and reaching a
// server. Pure: facts in, decision out; it knows no socket, no clock and no log. Until access rules
// exist there is one policy, which lets everyone in; the story of a connection already asks it for
// every connection.
#pragma once

#include "protocol/startup.h"

#include <string>
#include <variant>

namespace pgmoat::policy {

// What is known when the decision is due. In passthrough there is no startup packet and `user` and
// `database` are empty.
struct Candidate {
    std::string address; // numeric, IPv4-mapped ones unmapped; "[local]" on a unix socket
    bool tls = false;
    bool passthrough = false;
    std::string tls_version; // as negotiated; in passthrough unknown until the server answers
    std::string server_name; // SNI
    std::string user;
    std::string database;
    protocol::Replication replication = protocol::Replication::none;
};

struct Allow {
    std::string upstream; // a key of the configured upstreams
};
// What the client is told, as FATAL 28000.
struct Deny {
    std::string message;
};
using Decision = std::variant<Allow, Deny>;

class Policy {
  public:
    // `default_upstream` is the listener's.
    [[nodiscard]] Decision decide(const Candidate& candidate,
                                  const std::string& default_upstream) const;
};

} // namespace pgmoat::policy
