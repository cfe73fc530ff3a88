// Base64 with padding and without line breaks (RFC 4648, section 4).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::tls {

[[nodiscard]] std::string base64(std::span<const std::uint8_t> bytes);

// Nothing when `text` is not exactly that.
[[nodiscard]] std::optional<std::vector<std::uint8_t>> base64_decoded(std::string_view text);

} // namespace pgmoat::tls
