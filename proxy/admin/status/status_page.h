// The status page: page/index.html with its {{places}} filled in, and the files beside it.
#pragma once

#include "proxy/admin/status/status.h"

#include <optional>
#include <string>
#include <string_view>

namespace pgmoat::admin {

[[nodiscard]] std::string status_page(const Status& status);

// The file of this name, if it is one that browsers may have.
[[nodiscard]] std::optional<std::string_view> page_file(std::string_view name);

} // namespace pgmoat::admin
