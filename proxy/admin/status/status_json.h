// The status as JSON, for the page's charts and for scripts.
#pragma once

#include "proxy/admin/status/status.h"

#include <string>

namespace pgmoat::admin {

[[nodiscard]] std::string status_json(const Status& status);

} // namespace pgmoat::admin
