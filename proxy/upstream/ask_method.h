// What a server asks pgmoat's clients for, before the first of them is refused: a login is begun in
// the name of a role that cannot exist, and given up at the server's first answer.
#pragma once

#include "protocol/server_method.h"
#include "proxy/io/asio.h"
#include "proxy/io/stream.h"

#include <optional>

namespace pgmoat::upstream {

// The server of a stream on which nothing was said yet. Nothing: it refused, or did not answer.
[[nodiscard]] Awaitable<std::optional<protocol::ServerMethod>> ask_method(io::Stream& server);

} // namespace pgmoat::upstream
