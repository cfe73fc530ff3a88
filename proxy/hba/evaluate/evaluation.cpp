#include "proxy/hba/evaluate/evaluation.h"

#include "proxy/hba/evaluate/evaluate_rule.h"
#include "proxy/hba/evaluate/match.h"
#include "proxy/hba/evaluate/refuse.h"

#include <utility>

namespace pgmoat::hba {

std::string_view to_word(Verdict verdict) noexcept {
    switch (verdict) {
    case Verdict::allow: return "allow";
    case Verdict::deny: return "deny";
    case Verdict::no_entry: return "no_entry";
    case Verdict::demand_unmet: return "demand_unmet";
    }
    return "";
}

Evaluation::Evaluation(const Rules& rules, const Candidate& candidate)
    : rules_(rules), candidate_(candidate),
      key_(rules.index ? rules.index->key(candidate) : RuleIndex::Key{}) {}

std::variant<Decision, Question> Evaluation::next() {
    std::variant<Decision, Question> step = look_on();
    const auto* question = std::get_if<Question>(&step);
    if (question != nullptr && *question == Question::user_roles && known_.roles)
        step = refuse_for_lack_of_roles(rules_.rules[index_], known_.roles->error);
    if (auto* decision = std::get_if<Decision>(&step); decision != nullptr && known_.system_user)
        decision->system_user = known_.system_user->name;
    if (auto* decision = std::get_if<Decision>(&step);
        decision != nullptr && decision->verdict != Verdict::allow)
        add_to_log(*decision, describe_lookup(known_));
    return step;
}

// Continues with the rule at which it stopped.
std::variant<Decision, Question> Evaluation::look_on() {
    for (;; ++index_) {
        if (rules_.index) index_ = rules_.index->next(index_, key_);
        if (index_ >= rules_.rules.size()) return refuse_without_rule(candidate_);
        const Rule& rule = rules_.rules[index_];
        const Match found = match(rule, candidate_, known_);
        if (const auto* question = std::get_if<Question>(&found)) return *question;
        if (std::get<bool>(found)) return evaluate_rule(rule, rules_, candidate_, known_);
    }
}

void Evaluation::answer(ClientHostName name) {
    known_.host_name = std::move(name);
}

void Evaluation::answer(UserRoles roles) {
    known_.roles = std::move(roles);
}

void Evaluation::answer(SystemUser user) {
    known_.system_user = std::move(user);
}

void Evaluation::answer(OwnInterfaces interfaces) {
    known_.interfaces = std::move(interfaces);
}

void count(const Rules& rules, const Decision& decision, std::int64_t now) {
    RuleStats& stats = decision.rule != nullptr ? *decision.rule->stats : *rules.no_entry;
    switch (decision.verdict) {
    case Verdict::allow: ++stats.allowed; break;
    case Verdict::deny:
    case Verdict::no_entry: ++stats.denied; break;
    case Verdict::demand_unmet: ++stats.demand_unmet; break;
    }
    stats.last_hit = now;
}

} // namespace pgmoat::hba
