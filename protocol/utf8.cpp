#include "protocol/utf8.h"

#include <algorithm>
#include <array>

namespace pgmoat::protocol {

namespace {

struct Range {
    std::uint32_t first;
    std::uint32_t last;
};

// Sorted. Unicode's categories Cc, Cf, Zl and Zp, and other characters without a glyph: fillers,
// variation selectors, tags.
constexpr std::array unsafe{
    Range{0x0000, 0x001f},   // C0 controls
    Range{0x007f, 0x009f},   // DEL, C1 controls
    Range{0x00ad, 0x00ad},   // soft hyphen
    Range{0x034f, 0x034f},   // combining grapheme joiner
    Range{0x061c, 0x061c},   // Arabic letter mark
    Range{0x115f, 0x1160},   // Hangul fillers
    Range{0x17b4, 0x17b5},   // Khmer inherent vowels
    Range{0x180b, 0x180f},   // Mongolian selectors and vowel separator
    Range{0x200b, 0x200f},   // zero width, left-to-right and right-to-left marks
    Range{0x2028, 0x202e},   // line and paragraph separators, bidirectional embeddings
    Range{0x2060, 0x206f},   // word joiner, invisible operators, bidirectional isolates
    Range{0x3164, 0x3164},   // Hangul filler
    Range{0xfe00, 0xfe0f},   // variation selectors
    Range{0xfeff, 0xfeff},   // byte order mark
    Range{0xffa0, 0xffa0},   // halfwidth Hangul filler
    Range{0xfff0, 0xfffb},   // interlinear annotation
    Range{0xfffe, 0xffff},   // noncharacters
    Range{0x13430, 0x1343f}, // Egyptian format controls
    Range{0x1bca0, 0x1bca3}, // shorthand format controls
    Range{0x1d173, 0x1d17a}, // musical format controls
    Range{0xe0000, 0xe0fff}, // tags, variation selectors supplement
};

std::uint32_t tail_bits(char c) {
    return static_cast<unsigned char>(c) & 0x3fU;
}

} // namespace

Utf8Character first_character(std::string_view text) noexcept {
    if (text.empty()) return {};
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto continues = [&](std::size_t i, unsigned low, unsigned high) {
        return i < text.size() && byte(i) >= low && byte(i) <= high;
    };
    const unsigned first = byte(0);
    if (first < 0x80) return {first, 1};
    if (first >= 0xC2 && first <= 0xDF) {
        if (!continues(1, 0x80, 0xBF)) return {};
        return {((first & 0x1fU) << 6) | tail_bits(text[1]), 2};
    }
    if (first >= 0xE0 && first <= 0xEF) {
        const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
        const unsigned high = first == 0xED ? 0x9F : 0xBF;
        if (!continues(1, low, high) || !continues(2, 0x80, 0xBF)) return {};
        return {((first & 0x0fU) << 12) | (tail_bits(text[1]) << 6) | tail_bits(text[2]), 3};
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const unsigned low = first == 0xF0 ? 0x90 : 0x80;
        const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
        if (!continues(1, low, high) || !continues(2, 0x80, 0xBF) || !continues(3, 0x80, 0xBF))
            return {};
        return {((first & 0x07U) << 18) | (tail_bits(text[1]) << 12) | (tail_bits(text[2]) << 6) |
                    tail_bits(text[3]),
                4};
    }
    return {};
}

bool is_utf8(std::string_view text) noexcept {
    while (!text.empty()) {
        const std::size_t length = first_character(text).length;
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

void append_utf8(std::string& out, std::uint32_t code) {
    const auto add = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
    const auto tail = [&](unsigned shift) { add(0x80U | ((code >> shift) & 0x3fU)); };
    if (code < 0x80) return add(code);
    if (code < 0x800) {
        add(0xc0U | (code >> 6));
        return tail(0);
    }
    if (code < 0x10000) {
        add(0xe0U | (code >> 12));
        tail(6);
        return tail(0);
    }
    add(0xf0U | (code >> 18));
    tail(12);
    tail(6);
    tail(0);
}

bool is_unsafe_to_show(std::uint32_t code) noexcept {
    if (code >= 0x20 && code < 0x7f) return false;
    const auto* const range =
        std::ranges::lower_bound(unsafe, code, {}, &Range::last); // the first range that does not
    return range != unsafe.end() && code >= range->first;         // end before the code
}

} // namespace pgmoat::protocol
