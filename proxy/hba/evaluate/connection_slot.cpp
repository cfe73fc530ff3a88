#include "proxy/hba/evaluate/connection_slot.h"

namespace pgmoat::hba {

namespace {

// The slot of a connection that has been counted already.
std::shared_ptr<void> slot_of(const Rule& rule) {
    return {rule.stats.get(),
            [kept = rule.stats](void*) { kept->live.fetch_sub(1, std::memory_order_relaxed); }};
}

} // namespace

std::shared_ptr<void> take_connection_slot(const Rule& rule) {
    RuleStats& stats = *rule.stats;
    const int taken = stats.live.fetch_add(1, std::memory_order_relaxed);
    if (rule.max_connections > 0 && taken >= rule.max_connections) {
        stats.live.fetch_sub(1, std::memory_order_relaxed);
        return nullptr;
    }
    return slot_of(rule);
}

std::shared_ptr<void> hold_connection_slot(const Rule& rule) {
    rule.stats->live.fetch_add(1, std::memory_order_relaxed);
    return slot_of(rule);
}

// PostgreSQL's code for the limit of a role or a database.
Decision refuse_without_slot(const Rule& rule) {
    Decision decision;
    decision.verdict = Verdict::deny;
    decision.rule = &rule;
    decision.sqlstate = "53300";
    decision.message = "too many connections for this pg_hba.conf rule";
    decision.log_detail = "max_connections=" + std::to_string(rule.max_connections) +
                          " of file \"" + rule.file + "\" line " + std::to_string(rule.line) +
                          " is reached";
    return decision;
}

} // namespace pgmoat::hba
