#include "bench/wire.h"

namespace pgmoat::bench {

void append_u32(std::string& out, std::uint32_t value) {
    for (const unsigned shift : {24U, 16U, 8U, 0U}) {
        out.push_back(static_cast<char>((value >> shift) & 0xffU));
    }
}

std::uint32_t read_u32(std::string_view bytes) {
    std::uint32_t value = 0;
    for (const char byte : bytes.substr(0, 4)) {
        value = (value << 8U) | static_cast<unsigned char>(byte);
    }
    return value;
}

void append_message(std::string& out, char type, std::string_view body) {
    out.push_back(type);
    append_u32(out, static_cast<std::uint32_t>(body.size() + 4));
    out.append(body);
}

std::string query_message(std::string_view text) {
    std::string body(text);
    body.push_back('\0');
    std::string out;
    append_message(out, 'Q', body);
    return out;
}

std::string ssl_request() {
    std::string out;
    append_u32(out, 8);
    append_u32(out, ssl_request_code);
    return out;
}

std::string startup_message(std::string_view user, std::string_view database) {
    std::string body;
    append_u32(body, protocol_3_0);
    for (const std::string_view word :
         {std::string_view("user"), user, std::string_view("database"), database}) {
        body.append(word);
        body.push_back('\0');
    }
    body.push_back('\0');
    std::string out;
    append_u32(out, static_cast<std::uint32_t>(body.size() + 4));
    return out + body;
}

std::string terminate_message() {
    std::string out;
    append_message(out, 'X', {});
    return out;
}

void MessageScanner::take_header(std::string_view& bytes) {
    const std::size_t taken = std::min(bytes.size(), header_bytes - header_filled_);
    std::copy_n(
        bytes.begin(), taken, header_.begin() + static_cast<std::ptrdiff_t>(header_filled_));
    bytes.remove_prefix(taken);
    header_filled_ += taken;
    if (header_filled_ == header_bytes) {
        length_ = read_u32(std::string_view(header_.data() + 1, 4));
        body_left_ = length_ < 4 ? 0 : length_ - 4;
        if (keeps_body()) {
            kept_body_.clear();
        }
    }
}

void MessageScanner::take_body(std::string_view& bytes) {
    const std::size_t taken = std::min<std::size_t>(bytes.size(), body_left_);
    if (keeps_body() && kept_body_.size() < kept_body_max) {
        kept_body_.append(bytes.substr(0, taken));
    }
    bytes.remove_prefix(taken);
    body_left_ -= static_cast<std::uint32_t>(taken);
}

} // namespace pgmoat::bench
