// The decision about one connection: the first rule that matches decides. Pure and resumable: what
// takes time (names, roles, interfaces) it asks for, and goes on with the answer. One object per
// connection; the rules and the candidate must outlive it.
// Source: PostgreSQL, src/backend/libpq/hba.c, check_hba(), and auth.c, ClientAuthentication().
#pragma once

#include "protocol/startup.h"
#include "proxy/hba/evaluate/questions.h"
#include "proxy/hba/evaluate/rule_index.h"
#include "proxy/hba/net_address.h"
#include "proxy/hba/rule.h"
#include "tls/peer_facts.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace pgmoat::hba {

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
    std::optional<std::string> system_user; // of the peer of a unix socket, when it is known
    std::optional<std::uint32_t> peer_uid;  // by which it can be asked for
};

// What has been answered so far.
struct Answers {
    std::optional<ClientHostName> host_name;
    bool forward_used = false; // a rule asked for this very name, so the forward lookup counted
    std::optional<UserRoles> roles;
    std::optional<OwnInterfaces> interfaces;
    std::optional<SystemUser> system_user;
};

// --- the decision -----------------------------------------------------------------------------

enum class Verdict { allow, deny, no_entry, demand_unmet };
[[nodiscard]] std::string_view to_word(Verdict verdict) noexcept; // the metric label

struct Decision {
    Verdict verdict = Verdict::allow;
    const Rule* rule = nullptr;   // that decided; none with no_entry
    std::string upstream;         // of an allow; empty: the listener's
    std::string sqlstate;         // of a refusal
    std::string message;          // what the client is told, in PostgreSQL's words
    std::string log_detail;       // of a refusal, for the log alone: reasons, one line each
    std::string system_user = {}; // that was asked for

    [[nodiscard]] bool refuses() const noexcept { return verdict != Verdict::allow; }
};

class Evaluation {
  public:
    Evaluation(const Rules& rules, const Candidate& candidate);

    // The decision, or what must be answered first; then call again. Each question is asked once.
    [[nodiscard]] std::variant<Decision, Question> next();
    void answer(ClientHostName name);
    void answer(UserRoles roles);
    void answer(OwnInterfaces interfaces);
    void answer(SystemUser user);

  private:
    [[nodiscard]] std::variant<Decision, Question> look_on();

    const Rules& rules_;
    const Candidate& candidate_;
    RuleIndex::Key key_;
    std::size_t index_ = 0; // of the rule that is looked at
    Answers known_;
};

// Passthrough: the demands of the rule that let a connection in, once the ServerHello is known. A
// refusal, or nothing.
[[nodiscard]] std::optional<Decision> check_demands(const Rule& rule, const Candidate& candidate);

// Any connection of which everything is known: where TLS passes through, an allowance stands only
// if its rule's demands are met. Elsewhere the evaluation has looked already.
[[nodiscard]] Decision after_server_hello(Decision decision, const Candidate& candidate);

// Counts a decision with its rule. `now`: Unix seconds.
void count(const Rules& rules, const Decision& decision, std::int64_t now);

} // namespace pgmoat::hba
