// Reads the ClientHello and the ServerHello of a TLS connection that we do not end, from the bytes as
// they pass: SNI, ALPN, offered and negotiated version, cipher and group. In TLS 1.2 and 1.3 both are
// in the clear. (In TLS 1.2 the group of the key exchange stands in ServerKeyExchange, which follows
// the ServerHello in the clear: read too when the cipher suite is ECDHE.)
//
// Handshake messages may be cut over records and records over reads, at any byte. Bounds: limits.h.
// Fail closed: what is malformed or too large is reported as such, never as "no SNI".
// Source: RFC 8446 sections 4.1 and 5.1, RFC 6066 section 3, RFC 7301, RFC 5246.
#pragma once

#include "protocol/bytes.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::protocol {

struct ClientHelloFacts {
    std::string server_name;                  // SNI as sent, lower case; empty: none
    std::vector<std::string> alpn;            // offered protocols
    std::vector<std::uint16_t> versions;      // offered: supported_versions, else legacy_version
    std::vector<std::uint16_t> cipher_suites;
    std::vector<std::uint16_t> groups;
};

struct ServerHelloFacts {
    std::uint16_t version = 0;                // 0x0303 is TLS 1.2, 0x0304 is TLS 1.3
    std::uint16_t cipher_suite = 0;
    std::uint16_t group = 0;                  // 0: none seen
    std::string alpn;                         // TLS 1.2 only: in 1.3 it is encrypted
    bool hello_retry = false;                 // a HelloRetryRequest came first
};

enum class HelloProgress { need_more, done, malformed, too_large };

class ClientHelloReader {
  public:
    // Feeds the next bytes of the client's stream, starting with its first TLS byte. The reader
    // copies only what it still needs; the caller forwards the bytes itself.
    [[nodiscard]] HelloProgress feed(ByteView bytes);
    [[nodiscard]] const ClientHelloFacts& facts() const noexcept { return facts_; }
    [[nodiscard]] std::string_view complaint() const noexcept { return complaint_; }

  private:
    ClientHelloFacts facts_;
    std::string_view complaint_;
};

class ServerHelloReader {
  public:
    // As above for the server's stream. A HelloRetryRequest is noted and the real ServerHello
    // awaited. An alert record ends it: done with version 0, see alert().
    [[nodiscard]] HelloProgress feed(ByteView bytes);
    [[nodiscard]] const ServerHelloFacts& facts() const noexcept { return facts_; }
    [[nodiscard]] std::optional<std::uint8_t> alert() const noexcept { return alert_; }
    [[nodiscard]] std::string_view complaint() const noexcept { return complaint_; }

  private:
    ServerHelloFacts facts_;
    std::optional<std::uint8_t> alert_;
    std::string_view complaint_;
};

// The names that OpenSSL (and so pg_stat_ssl) uses: "TLSv1.3", "TLS_AES_256_GCM_SHA384",
// "ECDHE-RSA-AES256-GCM-SHA384", "X25519", "prime256v1", "X25519MLKEM768". Unknown: "other".
[[nodiscard]] std::string_view tls_version_name(std::uint16_t version) noexcept;
[[nodiscard]] std::string_view cipher_suite_name(std::uint16_t suite) noexcept;
[[nodiscard]] std::string_view group_name(std::uint16_t group) noexcept;

} // namespace pgmoat::protocol
