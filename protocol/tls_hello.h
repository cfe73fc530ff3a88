// Reads the ClientHello and the ServerHello of passed-through TLS: SNI, ALPN, offered and
// negotiated version, cipher and group. In TLS 1.2 and 1.3 both are plaintext. (In TLS 1.2 the
// group of the key exchange is in ServerKeyExchange, which follows the ServerHello, also in
// plaintext: it is read if the cipher suite is ECDHE.)
//
// Handshake messages may span records and records may span reads. Bounds: limits.h. GREASE values
// (RFC 8701), which only test a server's tolerance, are left out of all lists. Fails closed: a
// hello that is malformed or too large is reported as such, never as "no SNI". Source: RFC 8446
// sections 4.1 and 5.1, RFC 6066 section 3, RFC 7301, RFC 5246.
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
    std::string server_name;             // as sent, in lower case; empty: no SNI
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
    // `after_retry`: this is the second hello, before which the client may send a ChangeCipherSpec
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
    // As above for the server's stream. After a HelloRetryRequest, waits for the real ServerHello.
    // An alert record also gives `done`, with version 0 if no ServerHello came before; see alert().
    // In TLS 1.2 with ECDHE, reads on to ServerKeyExchange, which a resumed session does not have.
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
    bool retry_change_cipher_spec_ = false; // the one between the two hellos has been seen
    std::size_t flight_bytes_ = 0;
    TlsHandshakeReader reader_;
    ServerHelloFacts facts_;
    std::optional<std::uint8_t> alert_;
    std::string_view complaint_;
};

} // namespace pgmoat::protocol
