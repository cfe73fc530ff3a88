#include "protocol/shown_text.h"

#include "protocol/utf8.h"

#include <cstdint>

namespace pgmoat::protocol {

namespace {

constexpr std::uint32_t replacement = 0xfffd;

// JSON's \uXXXX; above U+FFFF a surrogate pair.
void append_escape(std::string& out, std::uint32_t code) {
    constexpr std::string_view figures = "0123456789abcdef";
    constexpr std::uint32_t beyond = 0x10000;
    if (code >= beyond) {
        append_escape(out, 0xd800 + ((code - beyond) >> 10));
        return append_escape(out, 0xdc00 + ((code - beyond) & 0x3ff));
    }
    out += "\\u";
    for (const unsigned shift : {12U, 8U, 4U, 0U})
        out += figures[(code >> shift) & 0xf];
}

// Passes the characters to `out` one by one; one of length 0 stands for an invalid byte.
template <typename Append>
std::string translate(std::string_view text, std::size_t bytes_max, const Append& append) {
    std::string out;
    while (!text.empty()) {
        if (out.size() >= bytes_max) {
            out += "...";
            break;
        }
        const Utf8Character character = first_character(text);
        append(out, character, text.substr(0, character.length));
        text.remove_prefix(character.length == 0 ? 1 : character.length);
    }
    return out;
}

bool is_control(std::uint32_t code) {
    return code < 0x20 || (code >= 0x7f && code < 0xa0);
}

} // namespace

std::string escape_json(std::string_view text, std::size_t bytes_max) {
    return translate(
        text, bytes_max, [](std::string& out, const Utf8Character& one, std::string_view bytes) {
            if (one.length == 0) return append_escape(out, replacement);
            if (is_unsafe_to_show(one.code)) return append_escape(out, one.code);
            if (one.code == '"' || one.code == '\\') out += '\\';
            out += bytes;
        });
}

std::string json_string(std::string_view text, std::size_t bytes_max) {
    return '"' + escape_json(text, bytes_max) + '"';
}

std::string make_visible(std::string_view text, std::size_t bytes_max) {
    return translate(
        text, bytes_max, [](std::string& out, const Utf8Character& one, std::string_view bytes) {
            if (one.length == 0 || is_control(one.code)) return append_utf8(out, replacement);
            if (is_unsafe_to_show(one.code)) return append_escape(out, one.code);
            out += bytes;
        });
}

} // namespace pgmoat::protocol
