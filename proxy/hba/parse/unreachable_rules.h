// Rules that no connection can reach, because an earlier one matches all that they match. They are
// loaded as in PostgreSQL, which does not report them.
#pragma once

#include "proxy/hba/rule.h"

#include <cstddef>
#include <vector>

namespace pgmoat::hba {

struct UnreachableRule {
    std::size_t rule; // index
    std::size_t behind;
};

[[nodiscard]] std::vector<UnreachableRule> unreachable_rules(const std::vector<Rule>& rules);

} // namespace pgmoat::hba
