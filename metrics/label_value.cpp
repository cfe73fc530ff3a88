#include "metrics/label_value.h"

#include "metrics/limits.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>

namespace pgmoat::metrics {

namespace {

constexpr std::string_view replacement = "\xEF\xBF\xBD"; // U+FFFD
constexpr std::size_t cut_mark_bytes = 12;               // "..." and a hash

// Two long names may differ only in the part that is cut off, and Prometheus refuses a scrape with
// two identical series: so a hash of the whole name is added. FNV-1a; any hash would do.
std::string cut_mark_of(std::string_view text) {
    std::uint32_t hash = 2166136261U;
    for (const char c : text)
        hash = (hash ^ static_cast<unsigned char>(c)) * 16777619U;
    std::array<char, cut_mark_bytes + 1> mark{};
    std::snprintf(mark.data(), mark.size(), "...~%08x", static_cast<unsigned>(hash));
    return mark.data();
}

struct Lead {
    std::size_t length;       // of the whole character; 0: no character begins like this
    unsigned char second_min; // the second byte's range excludes overlong forms, surrogates and
    unsigned char second_max; // what is beyond U+10FFFF (RFC 3629 section 4)
};

Lead classify(unsigned char byte) {
    if (byte < 0x80) return {1, 0, 0};
    if (byte < 0xC2) return {0, 0, 0};
    if (byte < 0xE0) return {2, 0x80, 0xBF};
    if (byte == 0xE0) return {3, 0xA0, 0xBF};
    if (byte == 0xED) return {3, 0x80, 0x9F};
    if (byte < 0xF0) return {3, 0x80, 0xBF};
    if (byte == 0xF0) return {4, 0x90, 0xBF};
    if (byte < 0xF4) return {4, 0x80, 0xBF};
    if (byte == 0xF4) return {4, 0x80, 0x8F};
    return {0, 0, 0};
}

// The length of the valid character that the text begins with; 0 if there is none.
std::size_t character_length(std::string_view text) {
    const auto byte = [text](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const Lead lead = classify(byte(0));
    if (lead.length <= 1) return lead.length;
    if (text.size() < lead.length) return 0;
    if (byte(1) < lead.second_min || byte(1) > lead.second_max) return 0;
    for (std::size_t i = 2; i < lead.length; ++i) {
        if ((byte(i) & 0xC0) != 0x80) return 0;
    }
    return lead.length;
}

bool is_control(char byte) {
    return static_cast<unsigned char>(byte) < 0x20 || byte == 0x7F;
}

} // namespace

std::string clean_label_value(std::string_view text) {
    const std::string_view whole = text;
    std::string clean;
    std::size_t cut_at = 0; // the end of the last character that leaves room for the mark
    while (!text.empty()) {
        const std::size_t length = character_length(text);
        const bool keep = length > 0 && !is_control(text.front());
        clean += keep ? text.substr(0, length) : replacement;
        text.remove_prefix(length > 0 ? length : 1);
        if (clean.size() > label_value_bytes_max) {
            clean.resize(cut_at);
            return clean += cut_mark_of(whole);
        }
        if (clean.size() + cut_mark_bytes <= label_value_bytes_max) cut_at = clean.size();
    }
    return clean;
}

} // namespace pgmoat::metrics
