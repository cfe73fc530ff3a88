// The PROXY protocol header of connections that pgmoat makes for itself: probes, cancel requests,
// role_query and auth_query. A server that requires a header would otherwise refuse them.
#pragma once

#include "protocol/bytes.h"
#include "proxy/config/conninfo.h"

namespace pgmoat::lookups {

// LOCAL, or UNKNOWN in version 1; empty if the upstream wants no header.
[[nodiscard]] protocol::Bytes own_header(config::ProxyProtocol version);

} // namespace pgmoat::lookups
