// Before a server is connected to: which hosts a client may be sent to, as the roles of now say, and
// a wait where none has the role that it needs.
#pragma once

#include "proxy/upstream/dial.h"

namespace pgmoat::upstream {

// Leaves on the plan the hosts that target_session_attrs allows, in the order in which they are to be
// tried. Where there is none it waits until there is one, as long as a connection attempt may take.
// False, and a plan that must not be used: there was none, or the dialer was interrupted.
[[nodiscard]] Awaitable<bool> wait_for_role(runtime::ControlThread& thread,
                                            Dialer& dialer,
                                            const runtime::UpstreamTarget& target,
                                            Plan& plan);

} // namespace pgmoat::upstream
