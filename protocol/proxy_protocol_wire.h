// Constants of the PROXY protocol, and the parsers of its two versions. For proxy_protocol and its
// writer only. Source: HAProxy, doc/proxy-protocol.txt, sections 2.1 and 2.2; the types above 0x25
// are those of HAProxy 3.x.
#pragma once

#include "protocol/bytes.h"
#include "protocol/proxy_protocol.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <variant>

namespace pgmoat::protocol {

inline constexpr std::array<std::uint8_t, 12> proxy_signature{
    0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a};
inline constexpr std::string_view proxy_line_prefix = "PROXY ";
inline constexpr std::size_t proxy_line_bytes_min = 15; // "PROXY UNKNOWN" and CRLF

inline constexpr std::size_t proxy_binary_prefix_bytes = 16;
inline constexpr std::size_t proxy_length_offset = 14;
inline constexpr std::size_t proxy_tlv_prefix_bytes = 3;
inline constexpr std::size_t proxy_unix_path_bytes = 108;

inline constexpr std::uint8_t proxy_version_2 = 2;
inline constexpr std::uint8_t proxy_command_local = 0;
inline constexpr std::uint8_t proxy_command_proxy = 1;

enum class ProxyFamilyCode : std::uint8_t { unspecified = 0, ipv4 = 1, ipv6 = 2, unix_path = 3 };
enum class ProxyTransportCode : std::uint8_t { unspecified = 0, stream = 1, datagram = 2 };

enum class ProxyTlvType : std::uint8_t {
    alpn = 0x01,
    authority = 0x02,
    crc32c = 0x03,
    noop = 0x04,
    unique_id = 0x05,
    ssl = 0x20,
    ssl_version = 0x21, // 0x21 to 0x26 are inside ssl
    ssl_common_name = 0x22,
    ssl_cipher = 0x23,
    ssl_signature_algorithm = 0x24,
    ssl_key_algorithm = 0x25,
    ssl_group = 0x26,
    network_namespace = 0x30,
};

inline constexpr std::uint8_t proxy_client_ssl = 0x01;
inline constexpr std::uint8_t proxy_client_certificate_on_connection = 0x02;
inline constexpr std::uint8_t proxy_client_certificate_in_session = 0x04;

// Both need a complete header. The other alternative says what is wrong with it.
using ParsedProxyHeader = std::variant<ProxyHeader, std::string_view>;
[[nodiscard]] ParsedProxyHeader parse_proxy_line(std::string_view line);
[[nodiscard]] ParsedProxyHeader parse_proxy_binary(ByteView header);

} // namespace pgmoat::protocol
