// The networks of this machine's own interfaces, for `samehost` and `samenet`: listed when a rule
// asks, as PostgreSQL does (ip.c, pg_foreach_ifaddr()). Does not block.
#pragma once

#include "proxy/hba/evaluate/questions.h"

namespace pgmoat::lookups {

// Empty where the system does not tell: then nothing is the same.
[[nodiscard]] hba::OwnInterfaces own_interfaces();

} // namespace pgmoat::lookups
