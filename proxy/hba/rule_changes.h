// What a reload changed: for the log, and so that counts survive it. A rule with the same text is
// the same rule; of several with the same text, the order decides.
#pragma once

#include "proxy/hba/rule.h"

#include <string>
#include <vector>

namespace pgmoat::hba {

struct RuleChange {
    enum class Kind {
        added,
        removed,
        moved
    }; // moved: to another position in the order of evaluation
    Kind kind;
    std::string text; // `added rule 3, file "pg_hba.conf" line 7: "host all all ..."`
};
// In the order of the new rules, after the removed ones.
[[nodiscard]] std::vector<RuleChange> rule_changes(const Rules& old, const Rules& now);

// Rules of `now` that were in `old` keep their counts.
void inherit_stats(const Rules& old, Rules& now);

} // namespace pgmoat::hba
