#include "protocol/base64.h"

#include <algorithm>
#include <cstddef>

namespace pgmoat::protocol {
namespace {

constexpr std::string_view alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::uint32_t three_bytes(ByteView bytes) {
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i)
        bits = (bits << 8) | (i < bytes.size() ? bytes[i] : 0U);
    return bits;
}

} // namespace

std::string encode_base64(ByteView bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    while (!bytes.empty()) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size());
        const std::uint32_t bits = three_bytes(bytes.first(count));
        for (std::size_t i = 0; i < 4; ++i)
            text += i <= count ? alphabet[(bits >> (18 - 6 * i)) & 63] : '=';
        bytes = bytes.subspan(count);
    }
    return text;
}

std::optional<Bytes> decode_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::size_t padding = 0;
    while (padding < 2 && text.ends_with('=')) {
        text.remove_suffix(1);
        ++padding;
    }
    Bytes bytes;
    bytes.reserve(text.size()); // allocated once: growing would leave copies, and this may be a key
    std::uint32_t bits = 0;
    unsigned filled = 0;
    for (const char c : text) {
        const std::size_t value = alphabet.find(c);
        if (value == std::string_view::npos) return std::nullopt;
        bits = (bits << 6) | static_cast<std::uint32_t>(value);
        filled += 6;
        if (filled < 8) continue;
        filled -= 8;
        bytes.push_back(static_cast<std::uint8_t>((bits >> filled) & 0xff));
    }
    const bool spare_bits = (bits & ((1U << filled) - 1)) != 0;
    if (spare_bits) return std::nullopt; // otherwise two texts would decode to the same bytes
    return bytes;
}

} // namespace pgmoat::protocol
