// Changes parameters of a startup packet before it is sent to the server: for client_facts.
// Everything else stays as the client sent it, byte for byte and in its order. Pure.
#pragma once

#include "protocol/bytes.h"

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pgmoat::protocol {

using StartupParameters = std::vector<std::pair<std::string, std::string>>;

// `packet` is one that parse_startup_packet() has accepted. Parameters whose name begins with
// `removed_prefix`, in any letter case as PostgreSQL compares them, are left out (empty: none), and
// `added` are appended: if a name occurs twice, the later one counts. Texts are cut at a NUL.
// Nothing: the result would be longer than PostgreSQL accepts.
[[nodiscard]] std::optional<Bytes> edit_startup_packet(ByteView packet,
                                                       std::string_view removed_prefix,
                                                       const StartupParameters& added);

} // namespace pgmoat::protocol
