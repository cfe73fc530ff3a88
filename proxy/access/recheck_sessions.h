// After a reload: which live sessions would the new rules refuse? Each is logged, and ended if
// hba_on_reload = disconnect. Sessions that are still logging in check themselves before the
// hand-over: must_end().
#pragma once

#include "proxy/access/lookup_client.h"
#include "proxy/runtime/services.h"
#include "proxy/telemetry/session_table.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace pgmoat::access {

// Call it on the first thread once all threads have the new configuration; `threads` must live
// until their contexts stop. Runs in the background, since lookups of names and roles may take
// time.
void recheck_sessions(const std::vector<std::unique_ptr<runtime::ControlThread>>& threads);

// The same for a live session from another process, which may have had an older configuration. If
// it may stay, it gets a slot under its rule. Any thread.
void review_newcomer(const std::vector<std::unique_ptr<runtime::ControlThread>>& threads,
                     std::uint64_t id,
                     std::shared_ptr<const telemetry::SharedFacts> facts);

// The same for one session that was judged by older rules than its thread has now. True: it must
// end; the reason has been logged.
[[nodiscard]] Awaitable<bool> must_end(runtime::ControlThread& thread,
                                       LookupClient& lookup_client,
                                       std::uint64_t id,
                                       const telemetry::SharedFacts& facts);

// For the log: the differences between the rules of two configurations, a line each.
[[nodiscard]] std::vector<std::string> access_changes(const runtime::RuntimeConfig& old,
                                                      const runtime::RuntimeConfig& now);

} // namespace pgmoat::access
