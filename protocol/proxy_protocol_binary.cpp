// Version 2: a fixed part of 16 bytes, an address block, then type-length-values. Every length is
// checked against the bytes that are there; a value never reaches beyond the one that contains it.
#include "protocol/crc32c.h"
#include "protocol/limits.h"
#include "protocol/proxy_protocol_wire.h"
#include "protocol/wire_reader.h"

#include <algorithm>
#include <bitset>
#include <optional>

namespace pgmoat::protocol {
namespace {

using Family = ProxyHeader::Family;
using Complaint = std::string_view; // empty: none

constexpr std::size_t crc_bytes = 4;

bool read_endpoints(ProxyHeader& header, WireReader& reader) {
    const std::size_t size = header.family == Family::ipv4 ? 4 : 16;
    for (ProxyEndpoint* endpoint : {&header.source, &header.destination}) {
        const ByteView address = reader.take(size);
        std::copy(address.begin(), address.end(), endpoint->address.begin());
    }
    header.source.port = reader.uint16();
    header.destination.port = reader.uint16();
    return !reader.failed();
}

// A path ends at its NUL, or fills its field. (An abstract name begins with a NUL.)
bool read_paths(ProxyHeader& header, WireReader& reader) {
    const auto source = as_text(reader.take(proxy_unix_path_bytes));
    reader.take(proxy_unix_path_bytes);
    header.source_path = source.substr(0, source.find('\0'));
    return !reader.failed();
}

// Valid combinations that do not describe a stream are read as "no address"; their block is
// skipped.
Complaint read_addresses(ProxyHeader& header, std::uint8_t code, WireReader& reader) {
    const auto family = static_cast<ProxyFamilyCode>(code >> 4);
    const auto transport = static_cast<ProxyTransportCode>(code & 0xf);
    if (family > ProxyFamilyCode::unix_path) return "PROXY header of an unknown address family";
    if (transport > ProxyTransportCode::datagram) return "PROXY header of an unknown transport";

    switch (family) {
    case ProxyFamilyCode::unspecified: return {};
    case ProxyFamilyCode::ipv4: header.family = Family::ipv4; break;
    case ProxyFamilyCode::ipv6: header.family = Family::ipv6; break;
    case ProxyFamilyCode::unix_path: header.family = Family::unix_path; break;
    }
    const bool there = header.family == Family::unix_path ? read_paths(header, reader)
                                                          : read_endpoints(header, reader);
    if (!there) return "PROXY header shorter than its addresses";
    if (transport != ProxyTransportCode::stream) {
        header.family = Family::none;
        header.source = header.destination = {};
        header.source_path.clear();
    }
    return {};
}

struct Tlv {
    ProxyTlvType type{};
    ByteView value;
};

// Iterates over TLVs and remembers which types it has seen. `names` maps a type to the text it is
// stored in.
class TlvCursor {
  public:
    explicit TlvCursor(ByteView bytes) noexcept : reader_(bytes) {}

    // Nothing: at the end, or malformed.
    std::optional<Tlv> next() noexcept {
        if (reader_.at_end()) return {};
        const Tlv tlv{static_cast<ProxyTlvType>(reader_.uint8()), reader_.counted16()};
        if (reader_.failed()) complaint_ = "PROXY header with a value that is cut off";
        if (++count_ > proxy_tlvs_max) complaint_ = "PROXY header with too many values";
        return complaint_.empty() ? std::optional{tlv} : std::nullopt;
    }

    // False: this type has been seen before.
    [[nodiscard]] bool is_first(ProxyTlvType type) noexcept {
        const auto code = static_cast<std::uint8_t>(type);
        if (met_.test(code)) return false;
        met_.set(code);
        return true;
    }

    [[nodiscard]] Complaint complaint() const noexcept { return complaint_; }

  private:
    WireReader reader_;
    std::bitset<256> met_;
    std::size_t count_ = 0;
    Complaint complaint_;
};

std::string* text_of(ProxyTls& tls, ProxyTlvType type) noexcept {
    switch (type) {
    case ProxyTlvType::ssl_version: return &tls.version;
    case ProxyTlvType::ssl_cipher: return &tls.cipher;
    case ProxyTlvType::ssl_common_name: return &tls.common_name;
    case ProxyTlvType::ssl_signature_algorithm: return &tls.signature_algorithm;
    case ProxyTlvType::ssl_key_algorithm: return &tls.key_algorithm;
    case ProxyTlvType::ssl_group: return &tls.group;
    default: return nullptr;
    }
}

std::string* text_of(ProxyHeader& header, ProxyTlvType type) noexcept {
    switch (type) {
    case ProxyTlvType::alpn: return &header.alpn;
    case ProxyTlvType::authority: return &header.authority;
    case ProxyTlvType::unique_id: return &header.unique_id;
    case ProxyTlvType::network_namespace: return &header.network_namespace;
    default: return nullptr;
    }
}

std::size_t bytes_max(ProxyTlvType type) noexcept {
    return type == ProxyTlvType::unique_id ? proxy_unique_id_bytes_max : proxy_tlv_text_bytes_max;
}

template <typename Owner>
Complaint keep_text(Owner& owner, TlvCursor& cursor, const Tlv& tlv) {
    std::string* text = text_of(owner, tlv.type);
    if (text == nullptr) return {};
    if (!cursor.is_first(tlv.type)) return "PROXY header with the same value twice";
    if (tlv.value.size() > bytes_max(tlv.type)) return "PROXY header with a value that is too long";
    *text = as_text(tlv.value);
    return {};
}

Complaint read_tls(ProxyHeader& header, ByteView value) {
    WireReader reader{value};
    const std::uint8_t client = reader.uint8();
    const std::uint32_t verify = reader.uint32();
    if (reader.failed()) return "PROXY header with a value that is cut off";

    ProxyTls& tls = header.tls.emplace();
    tls.tls = (client & proxy_client_ssl) != 0;
    tls.certificate_on_connection = (client & proxy_client_certificate_on_connection) != 0;
    tls.certificate_in_session = (client & proxy_client_certificate_in_session) != 0;
    tls.verified = verify == 0 && (tls.certificate_on_connection || tls.certificate_in_session);

    constexpr std::size_t fixed_bytes = 5;
    TlvCursor cursor{value.subspan(fixed_bytes)};
    while (const auto tlv = cursor.next())
        if (const auto complaint = keep_text(tls, cursor, *tlv); !complaint.empty())
            return complaint;
    return cursor.complaint();
}

// Computed over the whole header, with zeroes in place of the checksum itself.
Complaint check_sum(ByteView header, const Tlv& tlv) {
    if (tlv.value.size() != crc_bytes) return "PROXY header with a checksum of a wrong length";
    Bytes copy(header.begin(), header.end());
    std::fill_n(copy.begin() + (tlv.value.data() - header.data()), crc_bytes, std::uint8_t{0});
    return crc32c(copy) == WireReader{tlv.value}.uint32() ? Complaint{}
                                                          : "PROXY header with a wrong checksum";
}

Complaint read_tlv(ProxyHeader& header, ByteView whole, TlvCursor& cursor, const Tlv& tlv) {
    if (tlv.type != ProxyTlvType::crc32c && tlv.type != ProxyTlvType::ssl)
        return keep_text(header, cursor, tlv);
    if (!cursor.is_first(tlv.type)) return "PROXY header with the same value twice";
    return tlv.type == ProxyTlvType::ssl ? read_tls(header, tlv.value) : check_sum(whole, tlv);
}

} // namespace

ParsedProxyHeader parse_proxy_binary(ByteView bytes) {
    if (bytes.size() > proxy_header_bytes_max) return "PROXY header too long";
    WireReader reader{bytes};
    reader.take(proxy_signature.size());
    const std::uint8_t version_and_command = reader.uint8();
    const std::uint8_t family = reader.uint8();
    const ByteView block = reader.counted16();
    if (!reader.complete()) return "PROXY header that is cut off";
    if (version_and_command >> 4 != proxy_version_2) return "PROXY header of an unknown version";

    ProxyHeader header;
    header.version = proxy_version_2;
    const std::uint8_t command = version_and_command & 0xf;
    if (command == proxy_command_local) {
        header.local = true;
        return header;
    }
    if (command != proxy_command_proxy) return "PROXY header with an unknown command";

    WireReader addresses{block};
    if (const auto complaint = read_addresses(header, family, addresses); !complaint.empty())
        return complaint;
    // An unspecified family does not define its block: it may contain anything, so it is not read.
    if (family >> 4 == 0) return header;

    TlvCursor cursor{addresses.rest()};
    while (const auto tlv = cursor.next())
        if (const auto complaint = read_tlv(header, bytes, cursor, *tlv); !complaint.empty())
            return complaint;
    if (!cursor.complaint().empty()) return cursor.complaint();
    return header;
}

} // namespace pgmoat::protocol
