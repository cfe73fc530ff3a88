// The PROXY protocol, versions 1 and 2: how a proxy in front of us tells who the client is. Read by
// ProxyHeaderReader, parsed by a pure function, written by proxy_protocol_writer.h. Source:
// HAProxy, doc/proxy-protocol.txt. Where it leaves the receiver a choice:
//
//   header says                          | we
//   -------------------------------------+------------------------------------------------------
//   LOCAL, whatever else it carries      | take no address: the connection is the proxy's own
//   UNKNOWN, UNSPEC, UNIX, or DGRAM      | take no address: the proxy's own endpoints are used
//   TLV of an unknown type               | skip it
//   second TLV of a type that we read    | refuse the header: which of the two is true?
//   CRC-32C                              | verify it, and refuse the header if it does not match
//   more than limits.h allows            | refuse the header
#pragma once

#include "protocol/bytes.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace pgmoat::protocol {

struct ProxyEndpoint {
    std::array<std::uint8_t, 16> address{}; // the first 4 or all 16, in network order
    std::uint16_t port = 0;
    bool operator==(const ProxyEndpoint&) const = default;
};

// What the proxy says about the client's TLS session (PP2_TYPE_SSL). An empty field: not given.
struct ProxyTls {
    bool tls = false;                       // the client connected over TLS
    bool certificate_on_connection = false; // and sent a certificate on this connection
    bool certificate_in_session = false;    // or when the TLS session began
    bool verified = false;                  // the proxy verified that certificate
    std::string version;
    std::string cipher;
    std::string common_name; // of the client's certificate
    std::string signature_algorithm;
    std::string key_algorithm;
    std::string group;
    bool operator==(const ProxyTls&) const = default;
};

// Texts are as the sender wrote them, with bytes of any kind: they are escaped where they are
// shown.
struct ProxyHeader {
    enum class Family { none, ipv4, ipv6, unix_path };

    std::uint8_t version = 0; // 1 or 2
    bool local = false;       // LOCAL: the proxy's own connection, such as a health check
    Family family = Family::none;
    ProxyEndpoint source;      // the client; for ipv4 and ipv6
    ProxyEndpoint destination; // what it connected to
    std::string source_path;   // for unix_path; empty for an unnamed socket
    std::string alpn;
    std::string authority; // the SNI name
    std::string unique_id;
    std::string network_namespace;
    std::optional<ProxyTls> tls;
    bool operator==(const ProxyHeader&) const = default;

    [[nodiscard]] bool has_address() const noexcept {
        return family == Family::ipv4 || family == Family::ipv6;
    }
};

// The bytes of an endpoint's address: 4 or 16. Of a header that has_address().
[[nodiscard]] ByteView address_bytes(const ProxyHeader& header,
                                     const ProxyEndpoint& endpoint) noexcept;

// `header` must be complete: a line with its CRLF, or 16 bytes and as many as they announce. The
// other alternative says what is wrong with it.
[[nodiscard]] std::variant<ProxyHeader, std::string_view> parse_proxy_header(ByteView header);

// Finds the end of a header that arrives in pieces of any size, and takes no byte after it: those
// are the client's. Holds at most proxy_header_bytes_max bytes.
class ProxyHeaderReader {
  public:
    enum class Progress { need_more, complete, malformed };

    // Removes from the front of `bytes` what belongs to the header.
    [[nodiscard]] Progress read(ByteView& bytes);

    // How many bytes are certainly missing: reading that many takes none of the client's.
    [[nodiscard]] std::size_t needed() const noexcept;

    [[nodiscard]] const ProxyHeader& header() const noexcept { return header_; }
    [[nodiscard]] std::string_view complaint() const noexcept { return complaint_; }
    [[nodiscard]] std::size_t bytes_read() const noexcept { return held_.size(); }

  private:
    // How many bytes of `bytes` may be taken before the header must be checked again.
    [[nodiscard]] std::size_t wanted(ByteView bytes) const noexcept;
    [[nodiscard]] bool is_binary() const noexcept;
    [[nodiscard]] std::size_t binary_bytes() const noexcept;
    [[nodiscard]] std::string_view fault() const noexcept;
    [[nodiscard]] bool is_whole() const noexcept;
    [[nodiscard]] Progress parse();

    Bytes held_;
    ProxyHeader header_;
    std::string_view complaint_;
};

} // namespace pgmoat::protocol
