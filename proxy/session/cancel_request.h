// Forwards a cancel request to the server that can know its key: the one whose key it is, else each
// host of the listener's upstream, else of all. The key is the server's own and never rewritten, so
// that any replica of pgmoat can forward any cancel. No reply, no access rules, as in PostgreSQL.
#pragma once

#include "protocol/startup.h"
#include "proxy/runtime/services.h"
#include "proxy/session/close_reason.h"

namespace pgmoat::session {

// Returns when the servers have closed the connection (that is how a client knows that the cancel
// was processed), or cancel_timeout passed.
[[nodiscard]] Awaitable<Ended> forward_cancel(runtime::ControlThread& thread,
                                              const runtime::RuntimeConfig& setup,
                                              const protocol::CancelRequest& request);

} // namespace pgmoat::session
