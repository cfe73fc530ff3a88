// Writes our few messages byte by byte. It has no texts of its own; callers supply them.
#include "protocol/messages.h"

#include "protocol/frames.h"
#include "protocol/limits.h"
#include "protocol/server_messages.h"

#include <cassert>

namespace pgmoat::protocol {
namespace {

constexpr std::uint32_t protocol_3_0 = 3U << 16U;

void append_text(Bytes& out, std::string_view text) {
    out.insert(out.end(), text.begin(), text.end());
}

} // namespace

void append_c_string(Bytes& out, std::string_view text) {
    append_text(out, text.substr(0, text.find('\0')));
    out.push_back(0);
}

Bytes encode_fatal(const ErrorText& text) {
    Bytes out;
    append_error(out, Severity::fatal, text);
    return out;
}

Bytes encode_fatal_v2(std::string_view message) {
    Bytes out{'E'};
    append_text(out, "FATAL:  ");
    append_text(out, message.substr(0, message.find('\0')));
    append_c_string(out, "\n");
    return out;
}

Bytes encode_ssl_request() {
    Bytes out;
    append_uint32(out, 8);
    append_uint32(out, ssl_request_code);
    return out;
}

Bytes encode_startup(std::string_view user, std::string_view database) {
    Bytes parameters;
    for (const std::string_view text :
         {std::string_view("user"), user, std::string_view("database"), database})
        append_c_string(parameters, text);
    parameters.push_back(0);
    Bytes out;
    append_uint32(out, static_cast<std::uint32_t>(8 + parameters.size()));
    append_uint32(out, protocol_3_0);
    out.insert(out.end(), parameters.begin(), parameters.end());
    return out;
}

Bytes encode_terminate() {
    Bytes out{'X'};
    append_uint32(out, frame_length_min);
    return out;
}

Bytes encode_cancel_request(std::uint32_t process_id, ByteView key) {
    assert(key.size() >= cancel_key_bytes_min && key.size() <= cancel_key_bytes_max);
    Bytes out;
    append_uint32(out, static_cast<std::uint32_t>(cancel_key_offset + key.size()));
    append_uint32(out, cancel_request_code);
    append_uint32(out, process_id);
    out.insert(out.end(), key.begin(), key.end());
    return out;
}

std::uint32_t read_uint32(ByteView four_bytes) noexcept {
    assert(four_bytes.size() >= 4);
    return (std::uint32_t{four_bytes[0]} << 24) | (std::uint32_t{four_bytes[1]} << 16) |
           (std::uint32_t{four_bytes[2]} << 8) | std::uint32_t{four_bytes[3]};
}

void append_uint32(Bytes& out, std::uint32_t value) {
    for (const int shift : {24, 16, 8, 0}) {
        out.push_back(static_cast<std::uint8_t>((value >> shift) & 0xff));
    }
}

} // namespace pgmoat::protocol
