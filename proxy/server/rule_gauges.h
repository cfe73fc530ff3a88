// The counts of access rules as the exporter wants them: each file, rule and result once, however
// many listeners share a file, and never more rules than limits.h shows.
#pragma once

#include "metrics/exporter.h"
#include "proxy/access/load_rules.h"
#include "proxy/runtime/runtime_config.h"

#include <vector>

namespace pgmoat::server {

// Of the live rules or of the dry run.
[[nodiscard]] std::vector<metrics::RuleHits> rule_hits(const runtime::RuntimeConfig& setup,
                                                       access::RulesOfAccess which);
[[nodiscard]] std::vector<metrics::RuleLastHit> rule_last_hits(const runtime::RuntimeConfig& setup);

} // namespace pgmoat::server
