// The counts of access rules for the exporter: each file, rule and result once, even if listeners
// share a file, and at most rules_shown_max rules.
#pragma once

#include "metrics/exporter.h"
#include "proxy/access/load_rules.h"
#include "proxy/runtime/runtime_config.h"

#include <vector>

namespace pgmoat::server {

// For the live rules or those of the dry run.
[[nodiscard]] std::vector<metrics::RuleHits> rule_hits(const runtime::RuntimeConfig& setup,
                                                       access::RulesOfAccess which);
[[nodiscard]] std::vector<metrics::RuleLastHit> rule_last_hits(const runtime::RuntimeConfig& setup);

} // namespace pgmoat::server
