#include "proxy/session/authentication.h"

#include "tls/peer_facts.h"

#include <string>
#include <string_view>

namespace pgmoat::session {

namespace {

using hba::Method;
using protocol::ServerMethod;

struct Proof {
    std::string identity;
    std::string_view method; // pg_hba.conf's word
};

// What pgmoat has checked itself takes precedence: the server may then ask for nothing.
std::optional<Proof>
proof_of(const telemetry::SharedFacts& facts, const hba::Rule* rule, ServerMethod method) {
    if (rule != nullptr && rule->method == Method::cert && facts.client_certificate)
        return Proof{facts.client_certificate->subject_rfc2253, word_of(rule->method)};
    const bool is_peer = rule != nullptr && !facts.system_user.empty() &&
                         (rule->method == Method::peer || rule->method == Method::ident);
    if (is_peer) return Proof{facts.system_user, word_of(Method::peer)};
    switch (method) {
    case ServerMethod::password:
    case ServerMethod::md5:
    case ServerMethod::scram: return Proof{facts.user, name_of(method)};
    default: return std::nullopt;
    }
}

} // namespace

std::optional<telemetry::Fields> describe_authentication(std::uint64_t id,
                                                         const telemetry::SharedFacts& facts,
                                                         const hba::Rule* rule,
                                                         ServerMethod method) {
    const std::optional<Proof> proof = proof_of(facts, rule, method);
    if (!proof) return std::nullopt;
    telemetry::Fields fields;
    fields.add_quoted("identity", proof->identity).add("method", proof->method).add("id", id);
    if (!facts.rule.empty()) fields.add("rule", facts.rule);
    return fields;
}

// The user name map is the last thing that such a rule checks, so its refusal means that the proof
// was valid.
bool has_proved_to_be_another(const hba::Decision& decision, const telemetry::ClientFacts& facts) {
    if (decision.verdict != hba::Verdict::deny || decision.rule == nullptr) return false;
    const hba::Rule& rule = *decision.rule;
    if (rule.method == Method::cert && facts.client_certificate) {
        const auto& shown = *facts.client_certificate;
        const bool by_common_name = rule.client_name == hba::ClientName::common_name;
        return !(by_common_name ? shown.common_name : shown.subject_rfc2253).empty();
    }
    return (rule.method == Method::peer || rule.method == Method::ident) &&
           !decision.system_user.empty();
}

} // namespace pgmoat::session
