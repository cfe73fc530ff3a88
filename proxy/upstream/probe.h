// At start, asks each server that TLS is spoken to for its certificate, and says which row of the
// SCRAM table (deploy/docs/tls.md) its listeners are in, before a login fails because of it.
#pragma once

#include "proxy/runtime/services.h"

namespace pgmoat::upstream {

// Runs in the background on `thread`; a server that cannot be reached is only noted.
void probe_upstreams(runtime::ControlThread& thread);

} // namespace pgmoat::upstream
