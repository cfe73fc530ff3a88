// The decision about one connection: the first rule that matches decides. Pure and resumable: it
// returns a question for what must be looked up (names, roles, interfaces), and continues with the
// answer. One object per connection; the rules and the candidate must outlive it. Source:
// PostgreSQL, src/backend/libpq/hba.c, check_hba(), and auth.c, ClientAuthentication().
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

// The known facts about the connection. In passthrough the startup packet is encrypted: user and
// database are empty, and rules that need them were refused at load.
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
    std::shared_ptr<const tls::CertificateFacts> certificate; // verified, if it sent one
    bool has_ca = false;                                      // client certificates are requested
    std::string user;
    std::string database;
    protocol::Replication replication = protocol::Replication::none;
    std::optional<std::string> system_user; // user of a Unix socket's peer, if known
    std::optional<std::uint32_t> peer_uid;  // to look up system_user with
};

// The answers so far.
struct Answers {
    std::optional<ClientHostName> host_name;
    bool forward_used = false; // a rule compared this very name, so the forward lookup mattered
    std::optional<UserRoles> roles;
    std::optional<OwnInterfaces> interfaces;
    std::optional<SystemUser> system_user;
};

// --- the decision -----------------------------------------------------------------------------

enum class Verdict { allow, deny, no_entry, demand_unmet };
[[nodiscard]] std::string_view to_word(Verdict verdict) noexcept; // the metric label

struct Decision {
    Verdict verdict = Verdict::allow;
    const Rule* rule = nullptr;   // the one that decided; null with no_entry
    std::string upstream;         // if allowed; empty: the listener's
    std::string sqlstate;         // if refused
    std::string message;          // the client's error, in PostgreSQL's words
    std::string log_detail;       // for the log only: reasons for a refusal, one line each
    std::string system_user = {}; // if a rule needed it

    [[nodiscard]] bool refuses() const noexcept { return verdict != Verdict::allow; }
};

class Evaluation {
  public:
    Evaluation(const Rules& rules, const Candidate& candidate);

    // The decision, or a question that must be answered before the next call. Each question is
    // asked once.
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
    std::size_t index_ = 0; // of the rule being evaluated
    Answers known_;
};

// Passthrough: checks the demands of the rule that let a connection in, once the ServerHello is
// known. A refusal, or nothing.
[[nodiscard]] std::optional<Decision> check_demands(const Rule& rule, const Candidate& candidate);

// For any connection once the ServerHello is known: with passed-through TLS a decision to allow
// becomes a refusal if the rule's demands are not met. Without it the evaluation has already
// checked them.
[[nodiscard]] Decision after_server_hello(Decision decision, const Candidate& candidate);

// Counts a decision under its rule. `now`: Unix seconds.
void count(const Rules& rules, const Decision& decision, std::int64_t now);

} // namespace pgmoat::hba
