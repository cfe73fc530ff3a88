// ssl_profile: Mozilla's server-side TLS guidelines 6.0 as defaults under the single settings.
#pragma once

#include "proxy/config/draft.h"

#include <array>
#include <string_view>

namespace pgmoat::config {

// The empty one is none: PostgreSQL's defaults.
inline constexpr std::array<std::string_view, 3> tls_profiles{"", "modern", "intermediate"};

// Fills in every setting that the file does not give.
void apply_profile(Draft& draft);

} // namespace pgmoat::config
