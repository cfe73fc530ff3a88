// At start, gets the certificate of each server that is reached over TLS, and logs which row of the
// SCRAM table (deploy/docs/tls.md) applies to its listeners, before a login fails because of it.
#pragma once

#include "proxy/runtime/services.h"

namespace pgmoat::upstream {

// Runs in the background on `thread`; a server that cannot be reached is only logged.
void probe_upstreams(runtime::ControlThread& thread);

} // namespace pgmoat::upstream
