// Code points and small helpers for tls_client_hello.cpp and tls_server_hello.cpp only. Source:
// IANA TLS registries; RFC 8701 for GREASE.
#pragma once

#include "protocol/wire_reader.h"

#include <cstddef>
#include <cstdint>

namespace pgmoat::protocol::tls_wire {

inline constexpr std::uint16_t ssl_3_0 = 0x0300;
inline constexpr std::uint16_t tls_1_2 = 0x0303;
inline constexpr std::uint16_t tls_1_3 = 0x0304;

inline constexpr std::uint8_t client_hello = 1;
inline constexpr std::uint8_t server_hello = 2;
inline constexpr std::uint8_t server_key_exchange = 12;
inline constexpr std::uint8_t server_hello_done = 14;

inline constexpr std::uint16_t server_name_extension = 0;
inline constexpr std::uint16_t supported_groups_extension = 10;
inline constexpr std::uint16_t alpn_extension = 16;
inline constexpr std::uint16_t supported_versions_extension = 43;
inline constexpr std::uint16_t key_share_extension = 51;

inline constexpr std::size_t random_bytes = 32;
inline constexpr std::size_t session_id_bytes_max = 32;

struct Extension {
    std::uint16_t type;
    ByteView body;
};

inline Extension read_extension(WireReader& block) noexcept {
    const std::uint16_t type = block.uint16();
    return {type, block.counted16()};
}

} // namespace pgmoat::protocol::tls_wire
