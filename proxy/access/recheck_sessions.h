// After a reload: which live sessions would the new rules refuse? Each is logged, and ended where
// hba_on_reload says so. Sessions that were not judged yet meet the new rules by themselves.
#pragma once

#include "proxy/access/lookup_client.h"
#include "proxy/runtime/services.h"
#include "proxy/telemetry/session_table.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace pgmoat::access {

// To be called on the first thread when every thread has the new setup; `threads` must live until
// their contexts stop. Goes on by itself: names and roles may take time.
void recheck_sessions(const std::vector<std::unique_ptr<runtime::ControlThread>>& threads);

// The same for a live session that another process has begun, by an older configuration maybe. If
// it may stay it holds a slot under its rule from then on. Any thread.
void review_newcomer(const std::vector<std::unique_ptr<runtime::ControlThread>>& threads,
                     std::uint64_t id,
                     std::shared_ptr<const telemetry::SessionFacts> facts);

// The same for one session, which was judged by older rules than its thread has now. True: it must
// end, and the log has been told why.
[[nodiscard]] Awaitable<bool> must_end(runtime::ControlThread& thread,
                                       LookupClient& lookup_client,
                                       std::uint64_t id,
                                       const telemetry::SessionFacts& facts);

// What changed between two setups' rules, a line each, for the log.
[[nodiscard]] std::vector<std::string> access_changes(const runtime::RuntimeConfig& old,
                                                      const runtime::RuntimeConfig& now);

} // namespace pgmoat::access
