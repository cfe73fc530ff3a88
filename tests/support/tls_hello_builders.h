// Builds TLS hellos field by field, well formed by default. A test that needs a wrong field sets
// its bytes itself.
#pragma once

#include "tests/support/packet_builders.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace pgmoat::tests {

inline Bytes uint16(std::size_t value) {
    return {static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value)};
}
inline Bytes uint24(std::size_t value) {
    return Bytes{static_cast<std::uint8_t>(value >> 16)} + uint16(value & 0xffff);
}
inline Bytes counted8(const Bytes& bytes) {
    return Bytes{static_cast<std::uint8_t>(bytes.size())} + bytes;
}
inline Bytes counted16(const Bytes& bytes) {
    return uint16(bytes.size()) + bytes;
}
inline Bytes code_points(const std::vector<std::uint16_t>& values) {
    Bytes list;
    for (const std::uint16_t value : values)
        list = std::move(list) + uint16(value);
    return list;
}

// --- records and messages ------------------------------------------------------------------------

namespace record_type {
inline constexpr std::uint8_t change_cipher_spec = 20;
inline constexpr std::uint8_t alert = 21;
inline constexpr std::uint8_t handshake = 22;
inline constexpr std::uint8_t application_data = 23;
} // namespace record_type

inline Bytes tls_record(std::uint8_t type, const Bytes& body, std::uint16_t version = 0x0303) {
    return Bytes{type} + uint16(version) + counted16(body);
}
inline Bytes change_cipher_spec() {
    return tls_record(record_type::change_cipher_spec, {1});
}
inline Bytes fatal_alert(std::uint8_t description) {
    return tls_record(record_type::alert, {2, description});
}
inline Bytes handshake_message(std::uint8_t type, const Bytes& body) {
    return Bytes{type} + uint24(body.size()) + body;
}
// Splits handshake messages into records of at most this many bytes.
inline Bytes in_records_of(std::size_t size, const Bytes& messages) {
    Bytes stream;
    for (std::size_t at = 0; at < messages.size(); at += size) {
        const std::size_t end = std::min(at + size, messages.size());
        const Bytes header = Bytes{record_type::handshake} + uint16(0x0301) + uint16(end - at);
        stream.insert(stream.end(), header.begin(), header.end());
        stream.insert(stream.end(),
                      messages.begin() + static_cast<std::ptrdiff_t>(at),
                      messages.begin() + static_cast<std::ptrdiff_t>(end));
    }
    return stream;
}
inline Bytes in_records(const Bytes& messages) {
    return in_records_of(16'384, messages);
}

// --- extensions ----------------------------------------------------------------------------------

inline Bytes extension(std::uint16_t type, const Bytes& body) {
    return uint16(type) + counted16(body);
}
inline Bytes server_name_entry(std::uint8_t type, std::string_view name) {
    return Bytes{type} + counted16(bytes_of(name));
}
inline Bytes server_name(std::string_view name) {
    return extension(0, counted16(server_name_entry(0, name)));
}
inline Bytes alpn(const std::vector<std::string>& protocols) {
    Bytes list;
    for (const std::string& protocol : protocols)
        list = std::move(list) + counted8(bytes_of(protocol));
    return extension(16, counted16(list));
}
inline Bytes supported_groups(const std::vector<std::uint16_t>& groups) {
    return extension(10, counted16(code_points(groups)));
}
inline Bytes supported_versions(const std::vector<std::uint16_t>& versions) {
    return extension(43, counted8(code_points(versions)));
}
inline Bytes selected_version(std::uint16_t version) {
    return extension(43, uint16(version));
}
inline Bytes key_share(std::uint16_t group) {
    return extension(51, uint16(group) + counted16(Bytes(32, 0x5a)));
}
inline Bytes wanted_group(std::uint16_t group) {
    return extension(51, uint16(group));
}

// --- hellos --------------------------------------------------------------------------------------

struct ClientHelloBuilder {
    std::uint16_t legacy_version = 0x0303;
    Bytes session_id = Bytes(32, 0x11);
    Bytes cipher_suites = code_points({0x1302, 0x1303, 0x1301, 0xc030});
    Bytes compression_methods = {0};
    Bytes extensions = {};
    bool extensions_block = true; // hellos before TLS 1.2 may have none

    [[nodiscard]] Bytes message() const {
        Bytes body = uint16(legacy_version) + Bytes(32, 0x22) + counted8(session_id) +
                     counted16(cipher_suites) + counted8(compression_methods);
        if (extensions_block) body = std::move(body) + counted16(extensions);
        return handshake_message(1, body);
    }
};

inline Bytes client_hello_with(const Bytes& extensions) {
    return in_records(ClientHelloBuilder{.extensions = extensions}.message());
}

struct ServerHelloBuilder {
    std::uint16_t legacy_version = 0x0303;
    Bytes random = Bytes(32, 0x33);
    Bytes session_id = Bytes(32, 0x11);
    std::uint16_t cipher_suite = 0x1302;
    Bytes extensions = {};
    bool extensions_block = true;

    [[nodiscard]] Bytes message() const {
        Bytes body = uint16(legacy_version) + random + counted8(session_id) + uint16(cipher_suite) +
                     Bytes{0};
        if (extensions_block) body = std::move(body) + counted16(extensions);
        return handshake_message(2, body);
    }
};

inline Bytes tls_1_3_hello(std::uint16_t group) {
    return ServerHelloBuilder{.extensions = selected_version(0x0304) + key_share(group)}.message();
}
inline Bytes tls_1_2_hello(std::uint16_t cipher_suite, const Bytes& extensions = {}) {
    return ServerHelloBuilder{.cipher_suite = cipher_suite, .extensions = extensions}.message();
}

// SHA-256 of "HelloRetryRequest", as RFC 8446 section 4.1.3 prints it.
inline Bytes hello_retry_random() {
    return {0xCF, 0x21, 0xAD, 0x74, 0xE5, 0x9A, 0x61, 0x11, 0xBE, 0x1D, 0x8C,
            0x02, 0x1E, 0x65, 0xB8, 0x91, 0xC2, 0xA2, 0x11, 0x16, 0x7A, 0xBB,
            0x8C, 0x5E, 0x07, 0x9E, 0x09, 0xE2, 0xC8, 0xA8, 0x33, 0x9C};
}
inline Bytes hello_retry_request(std::uint16_t group) {
    return ServerHelloBuilder{.random = hello_retry_random(),
                              .extensions = selected_version(0x0304) + wanted_group(group)}
        .message();
}

inline Bytes certificate(std::size_t bytes) {
    return handshake_message(11, Bytes(bytes, 0x44));
}
inline Bytes certificate_status(std::size_t bytes) {
    return handshake_message(22, Bytes(bytes, 0x55));
}
inline Bytes server_key_exchange(std::uint16_t curve) {
    return handshake_message(12, Bytes{3} + uint16(curve) + counted8(Bytes(65, 0x66)));
}
inline Bytes server_hello_done() {
    return handshake_message(14, {});
}

} // namespace pgmoat::tests
