#include "protocol/proxy_protocol_writer.h"

#include "protocol/crc32c.h"
#include "protocol/ip_text.h"
#include "protocol/limits.h"
#include "protocol/proxy_protocol_wire.h"

#include <algorithm>
#include <cassert>
#include <string>

namespace pgmoat::protocol {
namespace {

using Family = ProxyHeader::Family;

void put16(Bytes& out, std::size_t value) {
    assert(value <= 0xffff);
    out.push_back(static_cast<std::uint8_t>(value >> 8));
    out.push_back(static_cast<std::uint8_t>(value & 0xff));
}

void put32(Bytes& out, std::uint32_t value) {
    put16(out, value >> 16);
    put16(out, value & 0xffff);
}

void put(Bytes& out, ByteView bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

void put_tlv(Bytes& out, ProxyTlvType type, ByteView value) {
    out.push_back(static_cast<std::uint8_t>(type));
    put16(out, value.size());
    put(out, value);
}

void put_text(Bytes& out,
              ProxyTlvType type,
              const std::string& text,
              std::size_t at_most = proxy_tlv_text_bytes_max) {
    if (text.empty() || text.size() > at_most) return;
    put_tlv(out, type, as_bytes(text));
}

Bytes tls_value(const ProxyTls& tls) {
    Bytes value;
    int client = 0;
    if (tls.tls) client |= proxy_client_ssl;
    if (tls.certificate_on_connection) client |= proxy_client_certificate_on_connection;
    if (tls.certificate_in_session) client |= proxy_client_certificate_in_session;
    value.push_back(static_cast<std::uint8_t>(client));
    put32(value, tls.verified ? 0 : 1);
    put_text(value, ProxyTlvType::ssl_version, tls.version);
    put_text(value, ProxyTlvType::ssl_common_name, tls.common_name);
    put_text(value, ProxyTlvType::ssl_cipher, tls.cipher);
    put_text(value, ProxyTlvType::ssl_signature_algorithm, tls.signature_algorithm);
    put_text(value, ProxyTlvType::ssl_key_algorithm, tls.key_algorithm);
    put_text(value, ProxyTlvType::ssl_group, tls.group);
    return value;
}

// The family byte. TLVs come after the address block, so a header without an address is UNSPEC
// without a block.
std::uint8_t family_code(Family family) noexcept {
    const auto code = [](ProxyFamilyCode value) {
        return static_cast<std::uint8_t>(static_cast<unsigned>(value) << 4 |
                                         static_cast<unsigned>(ProxyTransportCode::stream));
    };
    switch (family) {
    case Family::none: return 0;
    case Family::ipv4: return code(ProxyFamilyCode::ipv4);
    case Family::ipv6: return code(ProxyFamilyCode::ipv6);
    case Family::unix_path: return code(ProxyFamilyCode::unix_path);
    }
    return 0;
}

void put_addresses(Bytes& out, const ProxyHeader& header) {
    if (header.has_address()) {
        put(out, address_bytes(header, header.source));
        put(out, address_bytes(header, header.destination));
        put16(out, header.source.port);
        put16(out, header.destination.port);
    } else if (header.family == Family::unix_path) {
        const std::size_t begin = out.size();
        const std::size_t length = std::min(header.source_path.size(), proxy_unix_path_bytes);
        out.resize(begin + 2 * proxy_unix_path_bytes);
        std::copy_n(
            header.source_path.begin(), length, out.begin() + static_cast<std::ptrdiff_t>(begin));
    }
}

void put_values(Bytes& out, const ProxyHeader& header) {
    put_text(out, ProxyTlvType::alpn, header.alpn);
    put_text(out, ProxyTlvType::authority, header.authority);
    put_text(out, ProxyTlvType::unique_id, header.unique_id, proxy_unique_id_bytes_max);
    put_text(out, ProxyTlvType::network_namespace, header.network_namespace);
    if (header.tls) put_tlv(out, ProxyTlvType::ssl, tls_value(*header.tls));
}

void set16(Bytes& out, std::size_t offset, std::size_t value) {
    assert(value <= 0xffff);
    out[offset] = static_cast<std::uint8_t>(value >> 8);
    out[offset + 1] = static_cast<std::uint8_t>(value & 0xff);
}

// Appended last, but counted in the length, and zero while the checksum is computed.
void put_checksum(Bytes& out) {
    const Bytes zeroes(4);
    put_tlv(out, ProxyTlvType::crc32c, zeroes);
    set16(out, proxy_length_offset, out.size() - proxy_binary_prefix_bytes);
    const std::uint32_t sum = crc32c(out);
    out.resize(out.size() - zeroes.size());
    put32(out, sum);
}

} // namespace

Bytes write_proxy_line(const ProxyHeader& header) {
    std::string line{proxy_line_prefix};
    if (!header.has_address()) {
        line += "UNKNOWN";
    } else {
        line += header.family == Family::ipv4 ? "TCP4 " : "TCP6 ";
        line += ip_text(address_bytes(header, header.source)) + ' ';
        line += ip_text(address_bytes(header, header.destination)) + ' ';
        line += std::to_string(header.source.port) + ' ' + std::to_string(header.destination.port);
    }
    line += "\r\n";
    return {line.begin(), line.end()};
}

Bytes write_proxy_binary(const ProxyHeader& header) {
    Bytes out(proxy_signature.begin(), proxy_signature.end());
    const auto command = header.local ? proxy_command_local : proxy_command_proxy;
    out.push_back(static_cast<std::uint8_t>(proxy_version_2 << 4 | command));
    out.push_back(header.local ? std::uint8_t{0} : family_code(header.family));
    put16(out, 0);
    if (header.local || header.family == Family::none) return out;

    put_addresses(out, header);
    put_values(out, header);
    put_checksum(out);
    return out;
}

} // namespace pgmoat::protocol
