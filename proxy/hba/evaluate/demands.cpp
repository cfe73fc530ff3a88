// check_demands() and after_server_hello(): pgmoat's own TLS requirements of a rule. The client's
// error names what is required and what it uses. A value that is not known, such as a cipher
// without a name, never meets a demand.
#include "proxy/hba/evaluate/evaluation.h"
#include "proxy/hba/evaluate/refuse.h"

#include <algorithm>
#include <iterator>
#include <utility>

namespace pgmoat::hba {
namespace {

constexpr std::string_view versions[] = {"SSLv3", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};

bool at_least(std::string_view used, std::string_view demanded) {
    const auto* const lowest = std::ranges::find(versions, demanded);
    return lowest != std::end(versions) &&
           std::find(lowest, std::end(versions), used) != std::end(versions);
}

bool among(const std::vector<std::string>& demanded, const std::string& used) {
    return demanded.empty() || std::ranges::find(demanded, used) != demanded.end();
}

std::string or_unknown(const std::string& name) {
    return name.empty() ? "unknown" : name;
}

std::string list(const std::vector<std::string>& names) {
    std::string text = names.size() > 1 ? "one of " : "";
    for (const std::string& name : names) {
        if (&name != &names.front()) text += ", ";
        text += name;
    }
    return text;
}

// The error for the first demand that is not met; empty: all are met.
std::string unmet(const Demands& demands, const Candidate& candidate) {
    const std::string uses = "connection uses ";
    const std::string but = ", but pg_hba.conf demands ";
    if (!candidate.tls)
        return uses + std::string(encryption_of(candidate)) + ", but pg_hba.conf requires TLS";
    if (!demands.tls_min.empty() && !at_least(candidate.tls_version, demands.tls_min))
        return uses + or_unknown(candidate.tls_version) + but + "at least " + demands.tls_min;
    if (!among(demands.tls_ciphers, candidate.tls_cipher))
        return uses + "cipher " + or_unknown(candidate.tls_cipher) + but +
               list(demands.tls_ciphers);
    if (!among(demands.tls_groups, candidate.tls_group))
        return uses + "key exchange group " + or_unknown(candidate.tls_group) + but +
               list(demands.tls_groups);
    return {};
}

} // namespace

std::optional<Decision> check_demands(const Rule& rule, const Candidate& candidate) {
    if (!rule.demands.any()) return std::nullopt;
    std::string message = unmet(rule.demands, candidate);
    if (message.empty()) return std::nullopt;
    Decision decision = refuse(rule, std::move(message));
    decision.verdict = Verdict::demand_unmet;
    return decision;
}

Decision after_server_hello(Decision decision, const Candidate& candidate) {
    if (!candidate.passthrough || !candidate.tls) return decision;
    if (decision.refuses() || decision.rule == nullptr) return decision;
    return check_demands(*decision.rule, candidate).value_or(std::move(decision));
}

} // namespace pgmoat::hba
