// Evaluates a set of rules for one connection and looks up what they need: names, roles,
// interfaces. Other connections never wait for it.
#pragma once

#include "proxy/access/lookup_client.h"
#include "proxy/hba/evaluate/evaluation.h"
#include "proxy/lookups/roles.h"
#include "proxy/telemetry/session_table.h"

namespace pgmoat::access {

// The facts about a client that the rules use.
[[nodiscard]] hba::Candidate candidate_of(const telemetry::ClientFacts& facts);

// The rules and the lookups; all must outlive the evaluation. After lookup_client.cancel() it ends
// at once.
struct RulesToAsk {
    LookupClient& lookup_client;
    const hba::Rules& rules;
    const lookups::RoleSource& roles; // from the catalog of the listener's upstream
};
[[nodiscard]] Awaitable<hba::Decision> evaluate(RulesToAsk asked, hba::Candidate candidate);

// The same for a connection whose ServerHello is known, too.
[[nodiscard]] Awaitable<hba::Decision> evaluate_live(RulesToAsk asked, hba::Candidate candidate);

} // namespace pgmoat::access
