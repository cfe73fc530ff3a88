// Changes parameters of a startup packet that goes on to a server: for client_facts. Everything else
// stays as the client sent it, byte for byte and in its order. Pure.
#pragma once

#include "protocol/bytes.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pgmoat::protocol {

using StartupParameters = std::vector<std::pair<std::string, std::string>>;

// `packet` is a startup packet that parse_startup_packet() took. Parameters whose name begins with
// `removed_prefix`, in any letter case as PostgreSQL compares them, are left out (empty: none), then
// `added` follow the client's own: of two with one name the later one counts. A NUL ends a text.
// Nothing: the result would be longer than PostgreSQL accepts.
[[nodiscard]] std::optional<Bytes> edit_startup_packet(ByteView packet,
                                                       std::string_view removed_prefix,
                                                       const StartupParameters& added);

} // namespace pgmoat::protocol
