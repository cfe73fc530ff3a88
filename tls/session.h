// One TLS connection, either role, without a socket: ciphertext goes in and out through the
// caller's buffers. The same class serves the control plane, the relay plane,
// both legs and the tests. Not thread safe; may change threads between calls. Never throws.
//
// Rules for the caller: - send whatever any call, even a failed one, has put into Wire::out; -
// begin the next Wire::in with the bytes that this call did not consume; - call read() until it
// returns want_read: only then is no decrypted data left inside.
#pragma once

#include "tls/peer_facts.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pgmoat::tls {

class ServerContext;
class ClientContext;

// The ciphertext during one call.
struct Wire {
    std::span<const std::uint8_t> in; // received and not yet consumed; shrinks from the front
    bool end_of_stream = false;       // the peer's FIN comes after `in`
    std::vector<std::uint8_t>& out;   // grows at the end; the caller sends it
};

enum class Status {
    ok,
    want_read, // all of Wire::in was used up; call again when more has come
    closed,    // the peer sent close_notify
    truncated, // the peer's stream ended without close_notify
    failed,    // see error()
};

// Why a handshake or session failed: one word for metrics, sentences for the log.
enum class Failure {
    none,
    end_of_stream, // the peer went away
    not_tls,       // the bytes are no TLS record: plaintext injected before the handshake
    protocol_version,
    no_shared_cipher,
    no_shared_group,
    no_alpn,
    unrecognized_name,
    certificate_required,
    certificate_untrusted,
    certificate_expired,
    certificate_revoked,
    certificate_name, // verify-full: the certificate is for another host
    certificate_other,
    flood, // too many records or messages that bring no data
    other,
};

struct ReadResult {
    Status status;
    std::size_t bytes; // decrypted into the caller's buffer, whatever the status
};

class Session {
  public:
    // Server role.
    explicit Session(const ServerContext& context);
    // Client role. `host_name`, as configured, is sent as SNI unless it is an IP literal, and
    // compared with the certificate if the context asks for that; libpq's rules for both.
    Session(const ClientContext& context, const std::string& host_name);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // Call until it returns something other than want_read, feeding what the peer sent.
    [[nodiscard]] Status handshake(Wire& wire);
    // Decrypts into `plaintext` until it is full (ok) or the input is used up (want_read).
    [[nodiscard]] ReadResult read(std::span<std::uint8_t> plaintext, Wire& wire);
    // Until this is called, OpenSSL wipes its copy of what was read, because logins carry passwords
    // and proofs. Afterwards reading is cheaper.
    void stop_wiping() noexcept;
    // Encrypts all of `plaintext` and appends it to Wire::out, in records of up to 16 KiB.
    [[nodiscard]] Status write(std::span<const std::uint8_t> plaintext, Wire& wire);
    // Appends close_notify, once. Nothing can be written afterwards; reading still works.
    void shut_down(Wire& wire);

    // Decrypted bytes or parts of a record are buffered inside.
    [[nodiscard]] bool holds_bytes() const noexcept;
    // Decrypted bytes are buffered inside: a read returns some without further input.
    [[nodiscard]] bool holds_plaintext() const noexcept;

    // Valid once handshake() has returned ok.
    [[nodiscard]] PeerFacts facts() const;
    // What SCRAM binds to (RFC 5929, tls-server-end-point): the digest of the server's certificate
    // on this connection, ours or the peer's by role. A reload does not change it. Empty: the
    // certificate has no digest (Ed25519, Ed448).
    [[nodiscard]] std::vector<std::uint8_t> end_point() const;

    // Describes the last failed call. error() is what PostgreSQL writes after "could not accept SSL
    // connection: ": never empty after a failure, never "Success". If a certificate was refused,
    // PostgreSQL's two DETAIL lines with subject, serial and issuer follow, each after a '\n'.
    [[nodiscard]] Failure failure() const noexcept { return failure_; }
    [[nodiscard]] const std::string& error() const noexcept { return error_; }

  private:
    struct Native; // SSL and BIO

    [[nodiscard]] Status finish_handshake();
    [[nodiscard]] Status explain(int result, const Wire& wire);
    [[nodiscard]] Status end_of_stream();
    [[nodiscard]] Status fail(Failure failure, std::string error);

    std::unique_ptr<Native> native_;
    Failure failure_ = Failure::none;
    std::string error_;
};

} // namespace pgmoat::tls
