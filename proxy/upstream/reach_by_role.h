// Before connecting to a server: selects the hosts that a client may be sent to by their current
// roles, and waits if none has the required role.
#pragma once

#include "proxy/upstream/dial.h"

namespace pgmoat::upstream {

// Leaves in the plan the hosts that target_session_attrs allows, in the order to try them. If there
// is none it waits for one, as long as a connection attempt may take. False: there was none, or the
// dialer was interrupted; then the plan must not be used.
[[nodiscard]] Awaitable<bool> wait_for_role(runtime::ControlThread& thread,
                                            Dialer& dialer,
                                            const runtime::UpstreamTarget& target,
                                            Plan& plan);

} // namespace pgmoat::upstream
