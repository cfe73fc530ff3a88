// Opens the listening sockets, before privileges are dropped.
#pragma once

#include "proxy/config/config.h"
#include "proxy/server/handed_over_sockets.h"
#include "proxy/session/accept.h"

#include <stdexcept>
#include <string>
#include <vector>

namespace pgmoat::server {

class BindError : public std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Throws BindError with the reasons. As in PostgreSQL, a socket that could not be opened is left
// out, with a line in `notes`, if its listener has another one of its kind. A socket in
// `handed_over` that is bound to an address of a listener is used in place of a new one.
[[nodiscard]] std::vector<session::ListeningSocket> open_listeners(const config::Config& config,
                                                                   std::vector<std::string>& notes,
                                                                   HandedOverSockets& handed_over);

} // namespace pgmoat::server
