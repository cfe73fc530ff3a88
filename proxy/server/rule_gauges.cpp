#include "proxy/server/rule_gauges.h"

#include "proxy/access/load_rules.h"
#include "proxy/hba/evaluate/evaluation.h"
#include "proxy/server/limits.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <utility>

namespace pgmoat::server {

namespace {

using hba::Rule;
using hba::Rules;
using hba::RuleStats;
using runtime::RuntimeConfig;

// "pg_hba.conf:12" in its two parts, and an id. After a reload another rule may be on that line,
// while this rule's counts move with it: so series are identified by the id too.
struct RuleName {
    std::string file;
    std::string line;
    std::string id;
    auto operator<=>(const RuleName&) const = default;
};

// FNV-1a over the rule's text without secrets. Rules of a file with the same text are numbered in
// order, as in inherit_stats().
std::string fingerprint(const Rule& rule) {
    std::uint32_t hash = 0x811c'9dc5;
    for (const char letter : hba::shown_text(rule))
        hash = (hash ^ static_cast<unsigned char>(letter)) * 0x0100'0193;
    std::array<char, 9> text{};
    (void)std::snprintf(text.data(), text.size(), "%08x", static_cast<unsigned>(hash));
    return text.data();
}

// The name of each rule, in order. All rules above the limit share one.
std::vector<RuleName> names_of(const Rules& rules) {
    std::vector<RuleName> names;
    std::map<std::string, unsigned> seen;
    for (const Rule& rule : rules.rules) {
        if (rule.number > rules_shown_max) {
            names.push_back({rules.name, "_other", "_other"});
            continue;
        }
        std::string id = fingerprint(rule);
        if (const unsigned count = ++seen[id]; count > 1) id += "-" + std::to_string(count);
        const std::size_t colon = rule.location.rfind(':');
        names.push_back(
            {rule.location.substr(0, colon), rule.location.substr(colon + 1), std::move(id)});
    }
    return names;
}

using Sums = std::map<std::pair<RuleName, std::string_view>, std::uint64_t>;

void add(Sums& sums, const RuleName& name, const Rule& rule, bool dry_run) {
    using hba::Verdict;
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
        const std::vector<RuleName> names = names_of(*rules);
        for (std::size_t i = 0; i < names.size(); ++i)
            add(sums, names[i], rules->rules[i], which == &runtime::Access::dry_run);
        sums[{RuleName{rules->name, "none", "none"}, to_word(hba::Verdict::no_entry)}] +=
            rules->no_entry->denied;
    }
    std::vector<metrics::RuleHits> hits;
    for (const auto& [key, count] : sums)
        hits.push_back({key.first.file, key.first.line, key.first.id, key.second, count});
    return hits;
}

std::vector<metrics::RuleLastHit> rule_last_hits(const RuntimeConfig& setup) {
    std::map<RuleName, std::int64_t> latest;
    for (const auto& rules : access::distinct_rules(setup.access, &runtime::Access::rules)) {
        const std::vector<RuleName> names = names_of(*rules);
        for (std::size_t i = 0; i < names.size(); ++i)
            if (const std::int64_t hit = rules->rules[i].stats->last_hit; hit != 0) {
                std::int64_t& last = latest[names[i]];
                last = std::max(last, hit);
            }
    }
    std::vector<metrics::RuleLastHit> hits;
    for (const auto& [name, time] : latest)
        hits.push_back({name.file, name.line, name.id, time});
    return hits;
}

} // namespace pgmoat::server
