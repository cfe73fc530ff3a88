// What a second set of rules would decide: counted and logged, without any effect. It never delays
// the connection: lookups run in the background.
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
    std::string upstream;          // chosen by the live rules
    std::string listener_upstream; // for rules without upstream=
    std::uint64_t id = 0;          // session id, for the log
};

void dry_run(runtime::ControlThread& thread, DryRunCase what);

// Logs how many connections had no line of their own since the last call: the lines are limited
// like those of refusals, in case rules would refuse a whole application.
void summarise_dry_run(runtime::Services& services);

} // namespace pgmoat::access
