// Reaches a server of the role that the upstream asks for, by what the health check knows. Roles may
// change while a host is tried: then it is left, and the hosts are chosen again. The client notices
// nothing of it, because no server has answered it yet.
#pragma once

#include "proxy/upstream/dial.h"

#include <memory>

namespace pgmoat::upstream {

// Only the hosts that target_session_attrs allows are tried. If there is none it waits for one, as
// long as a connection attempt may take; then it gives up with Why::no_host_of_role. The plan's time
// limits hold however often roles change.
[[nodiscard]] Awaitable<Dialer::Outcome>
reach_by_role(runtime::ControlThread& thread,
              Dialer& dialer,
              std::shared_ptr<const runtime::UpstreamTarget> target,
              Plan plan);

} // namespace pgmoat::upstream
