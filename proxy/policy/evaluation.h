// The decision about one connection: the first rule that matches decides. Pure and resumable: what
// takes time (names, roles, interfaces) it asks for, and goes on with the answer. One object per
// connection; the rules and the candidate must outlive it.
// Source: PostgreSQL, src/backend/libpq/hba.c, check_hba(), and auth.c, ClientAuthentication().
#pragma once

#include "protocol/startup.h"
#include "proxy/policy/net_address.h"
#include "proxy/policy/rule.h"
#include "tls/peer_facts.h"

#include <cstddef>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

namespace pgmoat::policy {

// What is known when the decision is due. In passthrough there is no startup packet: user and
// database are empty, and the rules that could ask for them were refused at load.
struct Candidate {
    NetAddress address;
    std::string address_text; // numeric; "[local]" on a unix socket
    bool tls = false;
    bool gss = false; // encrypted by GSSAPI; passthrough only
    bool passthrough = false;
    std::string tls_version; // as negotiated; in passthrough unknown until the server answers
    std::string tls_cipher;
    std::string tls_group;
    std::string server_name;                                  // SNI; empty: none
    std::shared_ptr<const tls::CertificateFacts> certificate; // verified, when there is one
    bool has_ca = false;                                      // client certificates are asked for
    std::string user;
    std::string database;
    protocol::Replication replication = protocol::Replication::none;
    std::optional<std::string> system_user; // of the peer of a unix socket
};

// --- what the evaluation asks for -----------------------------------------------------------

// The reverse lookup of the client's address, and whether the forward lookup of that name gives the
// address again.
struct ClientHostName {
    std::string name;          // empty: the reverse lookup failed
    std::string reverse_error; // in the resolver's words
    bool forward_matches = false;
    std::string forward_error; // empty: it was answered
};
// Every role that the user is a member of, itself included. An unknown user has none.
struct UserRoles {
    std::set<std::string> roles;
    std::string error; // the query failed: nothing can be decided
};
struct OwnInterfaces {
    std::vector<AddressRange> networks; // address and netmask of each interface
};
enum class Question { client_host_name, user_roles, own_interfaces };

// --- the decision -----------------------------------------------------------------------------

enum class Verdict { allow, deny, no_entry, demand_unmet };
[[nodiscard]] std::string_view to_word(Verdict verdict) noexcept; // the metric label

struct Decision {
    Verdict verdict = Verdict::allow;
    const Rule* rule = nullptr; // that matched; none with no_entry
    std::string upstream;       // of an allow; empty: the listener's
    std::string sqlstate;       // of a refusal
    std::string message;        // what the client is told, in PostgreSQL's words
    std::string log_detail;     // for the log alone: why, in PostgreSQL's words
};

class Evaluation {
  public:
    Evaluation(const Rules& rules, const Candidate& candidate);

    // The decision, or what must be answered first; then call again. Each question is asked once.
    [[nodiscard]] std::variant<Decision, Question> next();
    void answer(ClientHostName name);
    void answer(UserRoles roles);
    void answer(OwnInterfaces interfaces);

  private:
    const Rules& rules_;
    const Candidate& candidate_;
    std::size_t place_ = 0; // of the rule that is looked at
    std::optional<ClientHostName> host_name_;
    std::optional<UserRoles> roles_;
    std::optional<OwnInterfaces> interfaces_;
};

// Passthrough: the demands of the rule that let a connection in, once the ServerHello is known. A
// refusal, or nothing.
[[nodiscard]] std::optional<Decision> check_demands(const Rule& rule, const Candidate& candidate);

// Counts a decision with its rule. `now`: Unix seconds.
void count(const Rules& rules, const Decision& decision, std::int64_t now);

} // namespace pgmoat::policy
