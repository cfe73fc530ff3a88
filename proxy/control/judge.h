// Asks a set of rules about one connection and fetches what they want to know on the way: names,
// roles, interfaces. Never keeps another connection waiting.
#pragma once

#include "proxy/control/inquiry.h"
#include "proxy/hba/evaluate/evaluation.h"
#include "proxy/lookups/roles.h"

namespace pgmoat::control {

// What it is asked with; all must outlive the judgement. After inquiry.cancel() it ends at once.
struct RulesToAsk {
    Inquiry& inquiry;
    const hba::Rules& rules;
    const lookups::RoleSource& roles; // the catalog of the listener's upstream
};
[[nodiscard]] Awaitable<hba::Decision> judge(RulesToAsk asked, hba::Candidate candidate);

// The same for a connection of which everything is known, what the server chose included.
[[nodiscard]] Awaitable<hba::Decision> judge_live(RulesToAsk asked, hba::Candidate candidate);

} // namespace pgmoat::control
