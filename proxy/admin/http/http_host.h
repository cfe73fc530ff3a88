// Against DNS rebinding: an attacker's page whose host name resolves to this machine runs in an
// operator's browser with this endpoint's origin. Its requests carry a host name that is not ours;
// an address, or a name of this machine, cannot be made to point elsewhere.
#pragma once

#include <string_view>

namespace pgmoat::admin {

// `host` is the header's value, empty if there was none; `listen` the words of http_listen.
[[nodiscard]] bool is_own_host(std::string_view host, std::string_view listen);

} // namespace pgmoat::admin
