// What a reload changed: for the log, and so that counts survive it. A rule is the same as before
// when its text is; the same text twice is told apart by order.
#pragma once

#include "proxy/hba/rule.h"

#include <string>
#include <vector>

namespace pgmoat::hba {

struct RuleChange {
    enum class Kind { added, removed, moved }; // moved: another position in the order of evaluation
    Kind kind;
    std::string text; // `added rule 3, file "pg_hba.conf" line 7: "host all all ..."`
};
// In the order of the new rules, removed ones first.
[[nodiscard]] std::vector<RuleChange> rule_changes(const Rules& old, const Rules& now);

// Rules of `now` that stood in `old` go on with its counts.
void inherit_stats(const Rules& old, Rules& now);

} // namespace pgmoat::hba
