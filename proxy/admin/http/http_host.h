// Against DNS rebinding: a page from elsewhere whose name is made to mean this machine runs in an
// operator's browser as if it were from here. Such a request says a name that is not ours. An
// address or a name of this machine cannot be made to mean anything else.
#pragma once

#include <string_view>

namespace pgmoat::admin {

// `host` is the header's value, empty if there was none; `listen` the words of http_listen.
[[nodiscard]] bool is_own_host(std::string_view host, std::string_view listen);

} // namespace pgmoat::admin
