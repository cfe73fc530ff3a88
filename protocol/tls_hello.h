// Reads the ClientHello and the ServerHello of a TLS connection that we do not end, from the bytes
// as they pass: SNI, ALPN, offered and negotiated version, cipher and group. In TLS 1.2 and 1.3
// both are in the clear. (In TLS 1.2 the group of the key exchange stands in ServerKeyExchange,
// which follows the ServerHello in the clear: read too when the cipher suite is ECDHE.)
//
// Handshake messages may be cut over records and records over reads, at any byte. Bounds: limits.h.
// Values that only probe a server's tolerance (GREASE, RFC 8701) are left out of all lists.
// Fail closed: what is malformed or too large is reported as such, never as "no SNI".
// Source: RFC 8446 sections 4.1 and 5.1, RFC 6066 section 3, RFC 7301, RFC 5246.
#pragma once

#include "protocol/bytes.h"
#include "protocol/tls_handshake_reader.h"
#include "protocol/tls_names.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::protocol {

struct ClientHelloFacts {
    std::string server_name;             // SNI as sent, lower case; empty: none
    std::vector<std::string> alpn;       // offered protocols
    std::vector<std::uint16_t> versions; // offered: supported_versions, else legacy_version
    std::vector<std::uint16_t> cipher_suites;
    std::vector<std::uint16_t> groups;
    bool operator==(const ClientHelloFacts&) const = default;
};

struct ServerHelloFacts {
    std::uint16_t version = 0; // 0x0303 is TLS 1.2, 0x0304 is TLS 1.3
    std::uint16_t cipher_suite = 0;
    std::uint16_t group = 0;  // 0: none seen
    std::string alpn;         // TLS 1.2 only: in 1.3 it is encrypted
    bool hello_retry = false; // a HelloRetryRequest came first
    bool operator==(const ServerHelloFacts&) const = default;
};

enum class HelloProgress { need_more, done, malformed, too_large };

class ClientHelloReader {
  public:
    // `after_retry`: it is the second one, before which the client may send a ChangeCipherSpec
    // (RFC 8446, appendix D.4).
    explicit ClientHelloReader(bool after_retry = false) noexcept
        : may_change_cipher_spec_(after_retry) {}

    // Feeds the next bytes of the client's stream, starting with its first TLS byte. The reader
    // copies only what it still needs; the caller forwards the bytes itself.
    [[nodiscard]] HelloProgress feed(ByteView bytes);
    [[nodiscard]] const ClientHelloFacts& facts() const noexcept { return facts_; }
    [[nodiscard]] std::string_view complaint() const noexcept { return complaint_; }

  private:
    void finish();
    HelloProgress fail(HelloProgress progress, std::string_view complaint);

    HelloProgress progress_ = HelloProgress::need_more;
    bool may_change_cipher_spec_;
    TlsHandshakeReader reader_;
    ClientHelloFacts facts_;
    std::string_view complaint_;
};

class ServerHelloReader {
  public:
    // As above for the server's stream. A HelloRetryRequest is noted and the real ServerHello
    // awaited. An alert record ends it: done, with version 0 if no ServerHello came before; see
    // alert(). In TLS 1.2 with ECDHE it goes on to ServerKeyExchange; a resumed session has none.
    [[nodiscard]] HelloProgress feed(ByteView bytes);
    [[nodiscard]] const ServerHelloFacts& facts() const noexcept { return facts_; }
    [[nodiscard]] std::optional<std::uint8_t> alert() const noexcept { return alert_; }
    [[nodiscard]] std::string_view complaint() const noexcept { return complaint_; }

  private:
    enum class Awaiting { server_hello, server_key_exchange };

    void begin_message();
    void finish_message();
    void finish_server_hello();
    void finish_key_exchange();
    void change_cipher_spec();
    void end(HelloProgress progress);
    void fail(HelloProgress progress, std::string_view complaint);

    HelloProgress progress_ = HelloProgress::need_more;
    Awaiting awaiting_ = Awaiting::server_hello;
    bool retry_change_cipher_spec_ = false; // the one between the two hellos was there
    std::size_t flight_bytes_ = 0;
    TlsHandshakeReader reader_;
    ServerHelloFacts facts_;
    std::optional<std::uint8_t> alert_;
    std::string_view complaint_;
};

} // namespace pgmoat::protocol
