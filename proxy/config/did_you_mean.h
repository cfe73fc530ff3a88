// Suggests the known name that a mistyped one was probably meant to be.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::config {

// "Did you mean \"port\"?"; empty: no name is similar.
[[nodiscard]] std::string did_you_mean(std::string_view name,
                                       const std::vector<std::string_view>& known);

} // namespace pgmoat::config
