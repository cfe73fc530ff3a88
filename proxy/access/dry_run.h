// What a second set of rules would have decided: counted and logged, and nothing else. It never
// delays the connection: what takes time goes on beside it.
#pragma once

#include "proxy/hba/evaluate/evaluation.h"
#include "proxy/lookups/roles.h"
#include "proxy/runtime/services.h"

#include <cstdint>
#include <memory>
#include <string>

namespace pgmoat::access {

struct DryRunCase {
    std::shared_ptr<const hba::Rules> rules;
    lookups::RoleSource roles;
    hba::Candidate candidate;
    bool refused = false;          // by the live rules
    std::string upstream;          // that the live rules chose
    std::string listener_upstream; // that a rule without upstream= means
    std::uint64_t id = 0;          // of the session, for the log
};

void dry_run(runtime::ControlThread& thread, DryRunCase what);

// Says how many connections had no line of their own since it was called last: rules that would
// turn an application away write no more than refusals do.
void summarise_dry_run(runtime::Services& services);

} // namespace pgmoat::access
