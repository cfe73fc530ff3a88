#include "protocol/scram_reader.h"

#include "protocol/wire_reader.h"

#include <algorithm>
#include <utility>

namespace pgmoat::protocol {
namespace {

constexpr std::size_t sanitized_bytes_max = 30; // PostgreSQL's sanitize_str()

bool is_letter(char c) noexcept {
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

} // namespace

ScramFault malformed_scram(std::string detail) {
    return {"08P01", "malformed SCRAM message", std::move(detail)};
}

std::string sanitized(char c) {
    constexpr std::string_view digits = "0123456789abcdef";
    if (c >= 0x21 && c <= 0x7e) return {'\'', c, '\''};
    const auto byte = static_cast<unsigned char>(c);
    return {'0', 'x', digits[byte >> 4U], digits[byte & 0x0fU]};
}

std::string sanitized(std::string_view text) {
    std::string result(text.substr(0, sanitized_bytes_max));
    std::ranges::replace_if(
        result, [](char c) { return c < 0x21 || c > 0x7e; }, '?');
    return result;
}

bool is_scram_printable(std::string_view text) noexcept {
    return std::ranges::all_of(text, [](char c) { return c >= 0x21 && c <= 0x7e && c != ','; });
}

ScramReader::ScramReader(ByteView message) : text_(as_text(message)) {
    if (text_.empty())
        fail(malformed_scram("The message is empty."));
    else if (text_.find('\0') != text_.npos)
        fail(malformed_scram("Message length does not match input length."));
}

void ScramReader::fail(ScramFault fault) {
    if (fault_) return;
    fault_ = std::move(fault);
    at_ = text_.size();
}

void ScramReader::skip() noexcept {
    if (at_ < text_.size()) ++at_;
}

std::string_view ScramReader::value(char name) {
    if (failed()) return {};
    if (next() != name) {
        fail(malformed_scram(std::string("Expected attribute \"") + name + "\" but found \"" +
                             sanitized(next()) + "\"."));
        return {};
    }
    return rest_of_attribute(name);
}

ScramReader::Attribute ScramReader::any() {
    if (failed()) return {};
    const char name = next();
    if (at_end())
        fail(malformed_scram("Attribute expected, but found end of string."));
    else if (!is_letter(name))
        fail(malformed_scram("Attribute expected, but found invalid character \"" +
                             sanitized(name) + "\"."));
    const std::string_view value = failed() ? std::string_view() : rest_of_attribute(name);
    return failed() ? Attribute{} : Attribute{name, value};
}

std::string_view ScramReader::rest_of_attribute(char name) {
    skip();
    if (next() != '=') {
        fail(malformed_scram(std::string("Expected character \"=\" for attribute \"") + name +
                             "\"."));
        return {};
    }
    skip();
    const std::size_t end = std::min(text_.find(',', at_), text_.size());
    const std::string_view value = text_.substr(at_, end - at_);
    at_ = std::min(end + 1, text_.size());
    return value;
}

} // namespace pgmoat::protocol
