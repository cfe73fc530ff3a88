#include "proxy/telemetry/log_fields.h"

#include <array>
#include <cstdio>

namespace pgmoat::telemetry {

namespace {

constexpr std::size_t value_bytes_max = 1024;

// How many bytes the UTF-8 character at the front takes; 0: it is none. Overlong forms, surrogates
// and what lies beyond U+10FFFF are none (RFC 3629, section 4).
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const auto continues = [&](std::size_t i, unsigned low, unsigned high) {
        return i < text.size() && byte(i) >= low && byte(i) <= high;
    };
    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return continues(1, 0x80, 0xBF) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
        const unsigned high = first == 0xED ? 0x9F : 0xBF;
        return continues(1, low, high) && continues(2, 0x80, 0xBF) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const unsigned low = first == 0xF0 ? 0x90 : 0x80;
        const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
        const bool whole =
            continues(1, low, high) && continues(2, 0x80, 0xBF) && continues(3, 0x80, 0xBF);
        return whole ? 4 : 0;
    }
    return 0;
}

bool is_control(std::string_view character) {
    const auto first = static_cast<unsigned char>(character[0]);
    // Behind C2 stand the C1 controls, which terminals obey as well.
    if (character.size() == 2 && first == 0xC2)
        return static_cast<unsigned char>(character[1]) < 0xA0;
    return first < 0x20 || first == 0x7F;
}

// Hands `out` one character after the other; an empty one stands for a byte that is none.
template <typename Append>
std::string translate(std::string_view text, std::size_t bytes_max, const Append& append) {
    std::string out;
    while (!text.empty()) {
        if (out.size() >= bytes_max) {
            out += "...";
            break;
        }
        const std::size_t length = utf8_length(text);
        append(out, text.substr(0, length));
        text.remove_prefix(length == 0 ? 1 : length);
    }
    return out;
}

void append_escaped(std::string& out, std::string_view character) {
    if (character.empty()) {
        out += "\\ufffd";
    } else if (character == "\"" || character == "\\") {
        out += '\\';
        out += character;
    } else if (is_control(character)) {
        std::array<char, 8> code{};
        const auto last = static_cast<unsigned char>(character.back()); // of C2 xx: the code point
        std::snprintf(code.data(), code.size(), "\\u%04x", last);
        out += code.data();
    } else {
        out += character;
    }
}

void append_repaired(std::string& out, std::string_view character) {
    const bool bad = character.empty() || is_control(character);
    out += bad ? std::string_view("\xEF\xBF\xBD") : character;
}

} // namespace

Fields& Fields::add(FieldName name, std::string_view text) {
    fields_.push_back({name, std::string(text), true});
    return *this;
}

Fields& Fields::add_quoted(FieldName name, std::string_view text) {
    fields_.push_back({name, std::string(text), true, true});
    return *this;
}

Fields& Fields::add(FieldName name, std::uint64_t number) {
    fields_.push_back({name, std::to_string(number), false});
    return *this;
}

Fields& Fields::add_flag(FieldName name, bool flag) {
    fields_.push_back({name, flag ? "true" : "false", false});
    return *this;
}

Fields& Fields::add_seconds(FieldName name, double seconds) {
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), "%.3f", seconds);
    fields_.push_back({name, text.data(), false});
    return *this;
}

std::string Fields::as_text() const {
    std::string line;
    for (const Field& field : fields_) {
        if (field.name.text.empty()) continue;
        if (!line.empty()) line += ' ';
        line += field.name.text;
        line += '=';
        if (field.always_quoted)
            line += '"' + escaped(field.value, value_bytes_max) + '"';
        else
            line += field.is_text ? text_field(field.value, value_bytes_max) : field.value;
    }
    return line;
}

std::string Fields::as_json() const {
    std::string members;
    for (const Field& field : fields_) {
        if (field.name.json.empty()) continue;
        members += members.empty() ? "\"" : ",\"";
        members += field.name.json;
        members += "\":";
        members += field.is_text ? '"' + escaped(field.value, value_bytes_max) + '"' : field.value;
    }
    return members;
}

std::string escaped(std::string_view text, std::size_t bytes_max) {
    return translate(text, bytes_max, append_escaped);
}

std::string text_field(std::string_view text, std::size_t bytes_max) {
    std::string safe = escaped(text, bytes_max);
    const bool plain = !safe.empty() && safe == text.substr(0, safe.size()) &&
                       safe.find_first_of(" =") == std::string::npos;
    return plain ? safe : '"' + safe + '"';
}

std::string repaired(std::string_view text, std::size_t bytes_max) {
    return translate(text, bytes_max, append_repaired);
}

} // namespace pgmoat::telemetry
