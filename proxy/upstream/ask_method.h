// Finds out which authentication a server asks for, before the first client is refused because of
// it: begins a login with a role name that cannot exist, and stops at the server's first answer.
#pragma once

#include "protocol/server_method.h"
#include "proxy/io/asio.h"
#include "proxy/io/stream.h"

#include <optional>

namespace pgmoat::upstream {

// `server` is a stream on which nothing was sent yet. Nothing: the server refused, or did not
// answer.
[[nodiscard]] Awaitable<std::optional<protocol::ServerMethod>> ask_method(io::Stream& server);

} // namespace pgmoat::upstream
