// The byte types of protocol/: input is a view, output is owned.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace pgmoat::protocol {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

} // namespace pgmoat::protocol
