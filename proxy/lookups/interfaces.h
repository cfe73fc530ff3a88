// The networks of this machine's own interfaces, for `samehost` and `samenet`: listed when a rule
// asks, as PostgreSQL does (ip.c, pg_foreach_ifaddr()). Does not block.
#pragma once

#include "proxy/hba/evaluate/questions.h"

namespace pgmoat::lookups {

// Empty if the system gives no list: then samehost and samenet match nothing.
[[nodiscard]] hba::OwnInterfaces own_interfaces();

} // namespace pgmoat::lookups
