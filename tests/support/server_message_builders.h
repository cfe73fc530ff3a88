// Builds messages as a PostgreSQL server sends them during a login. message() has a correct length;
// framed_as() has a wrong one.
#pragma once

#include "tests/support/packet_builders.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pgmoat::tests {

inline Bytes c_string(std::string_view text) {
    return bytes_of(text) + Bytes{0};
}

inline Bytes framed_as(char type, std::uint32_t length, const Bytes& body = {}) {
    return Bytes{static_cast<std::uint8_t>(type)} + big_endian(length) + body;
}
inline Bytes message(char type, const Bytes& body = {}) {
    return framed_as(type, static_cast<std::uint32_t>(4 + body.size()), body);
}
inline Bytes authentication(std::uint32_t code, const Bytes& data = {}) {
    return message('R', big_endian(code) + data);
}
inline Bytes authentication_ok() {
    return authentication(0);
}
inline Bytes authentication_sasl(const std::vector<std::string>& mechanisms) {
    Bytes list;
    for (const std::string& mechanism : mechanisms)
        list = std::move(list) + c_string(mechanism);
    return authentication(10, list + Bytes{0});
}
inline Bytes sasl_continue(std::string_view data) {
    return authentication(11, bytes_of(data));
}
inline Bytes sasl_final(std::string_view data) {
    return authentication(12, bytes_of(data));
}

inline Bytes parameter_status(std::string_view name, std::string_view value) {
    return message('S', c_string(name) + c_string(value));
}
inline Bytes backend_key(std::uint32_t process_id, const Bytes& key) {
    return message('K', big_endian(process_id) + key);
}
inline Bytes negotiate_version(std::uint32_t version, const std::vector<std::string>& options) {
    Bytes body = big_endian(version) + big_endian(static_cast<std::uint32_t>(options.size()));
    for (const std::string& option : options)
        body = std::move(body) + c_string(option);
    return message('v', body);
}
inline Bytes ready_for_query() {
    return message('Z', bytes_of("I"));
}

using Fields = std::vector<std::pair<char, std::string>>;

inline Bytes field_list(const Fields& fields) {
    Bytes list;
    for (const auto& [code, value] : fields)
        list = std::move(list) + Bytes{static_cast<std::uint8_t>(code)} + c_string(value);
    return list + Bytes{0};
}
inline Bytes error_response(const Fields& fields) {
    return message('E', field_list(fields));
}
inline Bytes notice_response(const Fields& fields) {
    return message('N', field_list(fields));
}

} // namespace pgmoat::tests
