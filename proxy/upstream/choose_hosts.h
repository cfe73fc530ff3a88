// Which hosts of an upstream a client may be sent to and in which order, from target_session_attrs,
// load_balance_hosts and the roles that the health check knows. Pure.
//
//   target_session_attrs | hosts that are tried
//   ---------------------+-------------------------------------------------------------------------
//   any                  | all
//   primary              | the primary
//   read-write           | the primary, unless its sessions are read-only
//   standby              | standbys
//   read-only            | standbys, and a primary whose sessions are read-only
//   prefer-standby       | standbys, then the primary, then all others
//
// A standby that is further behind than the check's `lag` is none for standby and read-only, and for
// prefer-standby it is one of the others. Hosts that the check cannot ask come after those that answer:
// what was known of them may have changed. Otherwise the order is the connection string's, or random.
#pragma once

#include "proxy/config/conninfo.h"
#include "proxy/runtime/host_roles.h"

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

namespace pgmoat::upstream {

// Puts what it is given in a random order.
using Shuffle = std::function<void(std::vector<std::size_t>&)>;

struct Choice {
    config::SessionAttrs wanted = config::SessionAttrs::any;
    bool is_checked = false; // else no role is known, nor who answers
};

// The positions of `hosts` to be tried. Without `shuffle` in their own order.
[[nodiscard]] std::vector<std::size_t> choose_hosts(std::span<const runtime::HostRole> hosts,
                                                    const Choice& choice,
                                                    const Shuffle& shuffle);

// Whether a client that wants this may be sent to a host with this role.
[[nodiscard]] bool has_role(const runtime::HostRole& host, config::SessionAttrs wanted) noexcept;

// A session that was sent to a host with this role must leave it: it asked for a primary, and this
// is none. `has_primary`: another host of the upstream is known to be it.
[[nodiscard]] bool
must_leave(const runtime::HostRole& host, config::SessionAttrs wanted, bool has_primary) noexcept;

// For the log: "db1 is a standby, db2 is not known".
[[nodiscard]] std::string roles_text(const runtime::HostRoles::OfUpstream& hosts);

} // namespace pgmoat::upstream
