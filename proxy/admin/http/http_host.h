// Against DNS rebinding: an attacker's page whose host name resolves to this machine runs in an
// operator's browser with this endpoint's origin. Its requests have a host name that is not ours;
// an address, or a name of this machine, is safe, since an attacker cannot make it resolve to
// another machine.
#pragma once

#include <string_view>

namespace pgmoat::admin {

// `host` is the header's value, empty if there was none; `listen` is http_listen.
[[nodiscard]] bool is_own_host(std::string_view host, std::string_view listen);

} // namespace pgmoat::admin
