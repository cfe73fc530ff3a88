// ssl_profile: Mozilla's server-side TLS guidelines 6.0 as defaults of the individual settings.
#pragma once

#include "proxy/config/draft.h"

#include <array>
#include <string_view>

namespace pgmoat::config {

// Empty: no profile, so PostgreSQL's defaults.
inline constexpr std::array<std::string_view, 3> tls_profiles{"", "modern", "intermediate"};

// Fills in every setting that is not in the file.
void apply_profile(Draft& draft);

} // namespace pgmoat::config
