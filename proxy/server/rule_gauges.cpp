#include "proxy/server/rule_gauges.h"

#include "proxy/access/load_rules.h"
#include "proxy/hba/evaluate/evaluation.h"
#include "proxy/server/limits.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>

namespace pgmoat::server {

namespace {

using hba::Rule;
using hba::Rules;
using hba::RuleStats;
using runtime::RuntimeConfig;

// "pg_hba.conf:12" in its two parts; beyond the cap all rules are one.
struct RuleName {
    std::string file;
    std::string line;
    auto operator<=>(const RuleName&) const = default;
};

RuleName name_of(const Rules& rules, const Rule& rule) {
    if (rule.number > rules_shown_max) return {rules.name, "_other"};
    const std::size_t colon = rule.location.rfind(':');
    return {rule.location.substr(0, colon), rule.location.substr(colon + 1)};
}

using Sums = std::map<std::pair<RuleName, std::string_view>, std::uint64_t>;

void add(Sums& sums, const Rules& rules, const Rule& rule, bool dry_run) {
    using hba::Verdict;
    const RuleName name = name_of(rules, rule);
    const RuleStats& stats = *rule.stats;
    if (rule.method != hba::Method::reject) sums[{name, to_word(Verdict::allow)}] += stats.allowed;
    sums[{name, to_word(Verdict::deny)}] += stats.denied;
    if (rule.demands.any()) sums[{name, to_word(Verdict::demand_unmet)}] += stats.demand_unmet;
    if (dry_run && !rule.upstream.empty()) sums[{name, "reroute"}] += stats.rerouted;
}

} // namespace

std::vector<metrics::RuleHits> rule_hits(const RuntimeConfig& setup, access::RulesOfAccess which) {
    Sums sums;
    for (const auto& rules : access::distinct_rules(setup.access, which)) {
        for (const Rule& rule : rules->rules)
            add(sums, *rules, rule, which == &runtime::Access::dry_run);
        sums[{RuleName{rules->name, "none"}, to_word(hba::Verdict::no_entry)}] +=
            rules->no_entry->denied;
    }
    std::vector<metrics::RuleHits> hits;
    for (const auto& [key, count] : sums)
        hits.push_back({key.first.file, key.first.line, key.second, count});
    return hits;
}

std::vector<metrics::RuleLastHit> rule_last_hits(const RuntimeConfig& setup) {
    std::map<RuleName, std::int64_t> latest;
    for (const auto& rules : access::distinct_rules(setup.access, &runtime::Access::rules))
        for (const Rule& rule : rules->rules)
            if (const std::int64_t hit = rule.stats->last_hit; hit != 0) {
                std::int64_t& last = latest[name_of(*rules, rule)];
                last = std::max(last, hit);
            }
    std::vector<metrics::RuleLastHit> hits;
    for (const auto& [name, time] : latest)
        hits.push_back({name.file, name.line, time});
    return hits;
}

} // namespace pgmoat::server
