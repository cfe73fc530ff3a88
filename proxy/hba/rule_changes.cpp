#include "proxy/hba/rule_changes.h"

#include "proxy/config/text.h"

#include <algorithm>
#include <cstddef>
#include <optional>
#include <unordered_map>
#include <utility>

namespace pgmoat::hba {
namespace {

using config::in_quotes;
using Position = std::size_t;

// For each rule of `now` its position in `old`, if it was there.
std::vector<std::optional<Position>> positions_before(const Rules& old, const Rules& now) {
    std::unordered_map<std::string_view, std::vector<Position>> known;
    for (Position position = old.rules.size(); position-- > 0;)
        known[old.rules[position].text].push_back(
            position); // the first of equal rules is last here
    std::vector<std::optional<Position>> positions;
    for (const Rule& rule : now.rules) {
        auto& same = known[rule.text];
        if (same.empty()) {
            positions.emplace_back();
        } else {
            positions.emplace_back(same.back());
            same.pop_back();
        }
    }
    return positions;
}

// The kept rules that did not move: the longest subsequence in the old order (found by patience
// sorting). So a rule inserted at the top moves no other.
std::vector<bool> in_old_order(const std::vector<std::optional<Position>>& before) {
    std::vector<std::size_t> tails; // tails[n]: where the best subsequence of n + 1 rules ends
    std::vector<std::optional<std::size_t>> previous(before.size());
    for (std::size_t i = 0; i < before.size(); ++i) {
        if (!before[i]) continue;
        const auto pile = std::ranges::lower_bound(
            tails, *before[i], {}, [&](std::size_t tail) { return *before[tail]; });
        if (pile != tails.begin()) previous[i] = *(pile - 1);
        if (pile == tails.end())
            tails.push_back(i);
        else
            *pile = i;
    }
    std::vector<bool> kept(before.size());
    std::optional<std::size_t> position;
    if (!tails.empty()) position = tails.back();
    for (; position; position = previous[*position])
        kept[*position] = true;
    return kept;
}

std::string describe(const Rule& rule) {
    return "rule " + std::to_string(rule.number) + ", file " + in_quotes(rule.file) + " line " +
           std::to_string(rule.line) + ": " + in_quotes(shown_text(rule));
}

void add_removed(const Rules& old,
                 const std::vector<std::optional<Position>>& before,
                 std::vector<RuleChange>& changes) {
    std::vector<bool> stays(old.rules.size());
    for (const std::optional<Position>& position : before)
        if (position) stays[*position] = true;
    for (Position position = 0; position < old.rules.size(); ++position)
        if (!stays[position])
            changes.push_back(
                {RuleChange::Kind::removed, "removed " + describe(old.rules[position])});
}

} // namespace

std::vector<RuleChange> rule_changes(const Rules& old, const Rules& now) {
    const std::vector<std::optional<Position>> before = positions_before(old, now);
    const std::vector<bool> stayed = in_old_order(before);
    std::vector<RuleChange> changes;
    add_removed(old, before, changes);
    for (std::size_t i = 0; i < now.rules.size(); ++i) {
        const Rule& rule = now.rules[i];
        if (!before[i])
            changes.push_back({RuleChange::Kind::added, "added " + describe(rule)});
        else if (!stayed[i])
            changes.push_back({RuleChange::Kind::moved,
                               "moved rule " + std::to_string(old.rules[*before[i]].number) +
                                   ", now " + describe(rule)});
    }
    return changes;
}

void inherit_stats(const Rules& old, Rules& now) {
    const std::vector<std::optional<Position>> before = positions_before(old, now);
    for (std::size_t i = 0; i < now.rules.size(); ++i)
        if (before[i]) now.rules[i].stats = old.rules[*before[i]].stats;
    now.no_entry = old.no_entry;
}

} // namespace pgmoat::hba
