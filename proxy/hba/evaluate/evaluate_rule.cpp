#include "proxy/hba/evaluate/evaluate_rule.h"

#include "proxy/config/text.h"
#include "proxy/hba/evaluate/ident.h"
#include "proxy/hba/evaluate/refuse.h"

#include <optional>
#include <string>
#include <utility>

namespace pgmoat::hba {
namespace {

using config::in_quotes;
using Evaluated = std::variant<Decision, Question>;
using Objection = std::optional<Evaluated>;

Objection check_certificate(const Rule& rule, const Candidate& candidate) {
    const bool wanted = rule.method == Method::cert || rule.client_cert != ClientCert::off;
    if (!wanted) return std::nullopt;
    if (!candidate.has_ca) return refuse_for_lack_of_ca(rule);
    if (!candidate.certificate) return refuse_for_lack_of_certificate(rule);
    return std::nullopt;
}

// In passthrough, TLS is negotiated after the decision, so demands are checked later; without TLS
// there is nothing to wait for.
Objection check_demands_now(const Rule& rule, const Candidate& candidate) {
    if (candidate.passthrough && candidate.tls) return std::nullopt;
    if (std::optional<Decision> unmet = check_demands(rule, candidate)) return *unmet;
    return std::nullopt;
}

std::string why_certificate_failed(const Rule& rule, const std::string& user, std::string reason) {
    if (rule.method == Method::cert) return reason;
    const std::string what = rule.client_name == ClientName::common_name ? "CN" : "DN";
    return reason + "\ncertificate validation (clientcert=verify-full) failed for user " +
           in_quotes(user) + ": " + what + " mismatch";
}

// PostgreSQL checks this after the method's own authentication. Here the server does that, and
// later.
Objection check_certificate_name(const Rule& rule,
                                 const Rules& rules,
                                 const Candidate& candidate,
                                 const Answers& known) {
    if (rule.method != Method::cert && rule.client_cert != ClientCert::verify_full)
        return std::nullopt;
    const std::string& name = rule.client_name == ClientName::common_name
                                  ? candidate.certificate->common_name
                                  : candidate.certificate->subject_rfc2253;
    if (name.empty())
        return refuse_login(rule,
                            candidate,
                            "certificate authentication failed for user " +
                                in_quotes(candidate.user) +
                                ": client certificate contains no user name");
    const Mapping mapping = map_user(rules, rule.map, name, candidate.user, known);
    if (const auto* question = std::get_if<Question>(&mapping)) return *question;
    if (const auto* refused = std::get_if<MayNotBe>(&mapping))
        return refuse_login(
            rule, candidate, why_certificate_failed(rule, candidate.user, refused->reason));
    return std::nullopt;
}

Objection
check_peer(const Rule& rule, const Rules& rules, const Candidate& candidate, const Answers& known) {
    const bool local_ident = rule.method == Method::ident && rule.type == RecordType::local;
    if (rule.method != Method::peer && !local_ident) return std::nullopt;
    std::optional<std::string> peer = candidate.system_user;
    if (!peer && candidate.peer_uid) {
        if (!known.system_user) return Question::system_user;
        if (known.system_user->name.empty())
            return refuse_login(rule,
                                candidate,
                                "could not look up local user ID " +
                                    std::to_string(*candidate.peer_uid) + ": " +
                                    known.system_user->error);
        peer = known.system_user->name;
    }
    if (!peer) return refuse_login(rule, candidate, "could not get peer credentials");
    const Mapping mapping = map_user(rules, rule.map, *peer, candidate.user, known);
    if (const auto* question = std::get_if<Question>(&mapping)) return *question;
    if (const auto* refused = std::get_if<MayNotBe>(&mapping))
        return refuse_login(rule, candidate, refused->reason);
    return std::nullopt;
}

} // namespace

Evaluated evaluate_rule(const Rule& rule,
                        const Rules& rules,
                        const Candidate& candidate,
                        const Answers& known) {
    if (const Objection objection = check_certificate(rule, candidate)) return *objection;
    if (rule.method == Method::reject) return reject(rule, candidate);
    if (const Objection objection = check_demands_now(rule, candidate)) return *objection;
    if (const Objection objection = check_certificate_name(rule, rules, candidate, known))
        return *objection;
    if (const Objection objection = check_peer(rule, rules, candidate, known)) return *objection;
    return Decision{Verdict::allow, &rule, rule.upstream, {}, {}, {}, {}};
}

} // namespace pgmoat::hba
