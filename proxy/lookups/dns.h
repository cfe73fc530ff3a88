// The host name of a client's address, as PostgreSQL determines it for pg_hba.conf (hba.c,
// check_hostname()): a reverse lookup, and whether the forward lookup of that name gives the
// address again. Uses the system's resolver (nsswitch.conf), which blocks, so sessions ask the
// pool.
#pragma once

#include "proxy/hba/evaluate/questions.h"
#include "proxy/hba/net_address.h"
#include "proxy/lookups/lookup_pool.h"

namespace pgmoat::lookups {

// Blocks as long as the resolver does. For the command line and the pool's workers.
[[nodiscard]] hba::ClientHostName look_up_host_name(const hba::NetAddress& address);

struct ByAddress {
    bool operator()(const hba::NetAddress& a, const hba::NetAddress& b) const noexcept;
};
using HostNames = LookupPool<hba::NetAddress, hba::ClientHostName, ByAddress>;

// The bounds of the HostNames pool.
[[nodiscard]] PoolBounds host_name_bounds();
[[nodiscard]] HostNames::Work host_name_work();

} // namespace pgmoat::lookups
