// The byte types of protocol/: what comes in is a view, what goes out is owned.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace pgmoat::protocol {

using Bytes = std::vector<std::uint8_t>;
using ByteView = std::span<const std::uint8_t>;

} // namespace pgmoat::protocol
