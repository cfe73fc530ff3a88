// Base64 as SCRAM writes it (RFC 4648 with padding, no line breaks). Pure; for scram_secret and
// both SCRAM roles.
#pragma once

#include "protocol/bytes.h"

#include <optional>
#include <string>
#include <string_view>

namespace pgmoat::protocol {

[[nodiscard]] std::string encode_base64(ByteView bytes);
// Nothing: an invalid character, length or padding.
[[nodiscard]] std::optional<Bytes> decode_base64(std::string_view text);

} // namespace pgmoat::protocol
