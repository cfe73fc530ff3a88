// The PROXY protocol header of connections that pgmoat makes for itself: probes, cancel requests,
// role_query and auth_query. A server that requires a header would refuse them without it.
#pragma once

#include "protocol/bytes.h"
#include "proxy/config/conninfo.h"

namespace pgmoat::lookups {

// LOCAL, or UNKNOWN in version 1; empty where none is wanted.
[[nodiscard]] protocol::Bytes own_header(config::ProxyProtocol version);

} // namespace pgmoat::lookups
