// Checks that involve several settings: errors for combinations that cannot work, warnings for
// those that work but are less safe than they look.
#pragma once

#include "proxy/config/draft.h"
#include "proxy/config/problems.h"

namespace pgmoat::config {

void cross_check(const Draft& draft, Problems& problems);

} // namespace pgmoat::config
