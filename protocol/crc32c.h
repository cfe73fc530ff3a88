// CRC-32C (Castagnoli), as RFC 4960 appendix B defines it: the checksum of a PROXY protocol header.
// Computed four bits at a time: headers are short, and a table of 16 words is readable.
#pragma once

#include "protocol/bytes.h"

#include <array>
#include <cstdint>

namespace pgmoat::protocol {

[[nodiscard]] inline std::uint32_t crc32c(ByteView bytes) noexcept {
    static constexpr auto table = [] {
        constexpr std::uint32_t reversed_polynomial = 0x82f6'3b78;
        std::array<std::uint32_t, 16> remainders{};
        for (std::uint32_t nibble = 0; nibble < remainders.size(); ++nibble) {
            std::uint32_t value = nibble;
            for (int bit = 0; bit < 4; ++bit)
                value = (value >> 1) ^ ((value & 1) != 0 ? reversed_polynomial : 0);
            remainders[nibble] = value;
        }
        return remainders;
    }();

    std::uint32_t crc = 0xffff'ffff;
    for (const std::uint8_t byte : bytes) {
        crc = (crc >> 4) ^ table[(crc ^ byte) & 0xf];
        crc = (crc >> 4) ^ table[(crc ^ (byte >> 4)) & 0xf];
    }
    return ~crc;
}

} // namespace pgmoat::protocol
