// Checks that involve several settings: whether they make sense together. Errors for what cannot
// work, warnings for what works and is less safe than it looks.
#pragma once

#include "proxy/config/draft.h"
#include "proxy/config/problems.h"

namespace pgmoat::config {

void cross_check(const Draft& draft, Problems& problems);

} // namespace pgmoat::config
