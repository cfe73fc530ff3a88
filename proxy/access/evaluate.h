// Asks a set of rules about one connection and fetches what they want to know on the way: names,
// roles, interfaces. Never keeps another connection waiting.
#pragma once

#include "proxy/access/lookup_client.h"
#include "proxy/hba/evaluate/evaluation.h"
#include "proxy/lookups/roles.h"
#include "proxy/telemetry/session_table.h"

namespace pgmoat::access {

// What the facts about a client say to the rules.
[[nodiscard]] hba::Candidate candidate_of(const telemetry::ClientFacts& facts);

// What it is asked with; all must outlive the evaluation. After lookup_client.cancel() it ends at
// once.
struct RulesToAsk {
    LookupClient& lookup_client;
    const hba::Rules& rules;
    const lookups::RoleSource& roles; // the catalog of the listener's upstream
};
[[nodiscard]] Awaitable<hba::Decision> evaluate(RulesToAsk asked, hba::Candidate candidate);

// The same for a connection of which everything is known, what the server chose included.
[[nodiscard]] Awaitable<hba::Decision> evaluate_live(RulesToAsk asked, hba::Candidate candidate);

} // namespace pgmoat::access
