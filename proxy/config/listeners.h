// Makes the listeners: that of listen_addresses and port, and those of listener.NAME, which inherit
// from the former what they do not set.
#pragma once

#include "proxy/config/draft.h"
#include "proxy/config/problems.h"

namespace pgmoat::config {

// Fills draft.config.listeners.
void build_listeners(Draft& draft, Problems& problems);

} // namespace pgmoat::config
