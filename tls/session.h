// One TLS connection, either role, without a socket: ciphertext goes in and out through the
// caller's buffers (design section 5). The same class serves the control plane, the relay plane,
// both legs and the tests. Not thread safe; may change threads between calls. Never throws.
//
// Rules for the caller:
//  - whatever stands in Wire::out after any call, failures too, belongs to the peer: send it;
//  - bytes of Wire::in that were not consumed must come again, first, at the next call;
//  - read until want_read: only that means that nothing decrypted is left inside.
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

// The ciphertext at hand during one call.
struct Wire {
    std::span<const std::uint8_t> in; // received and not yet consumed; shrinks from the front
    bool end_of_stream = false;       // the peer's FIN was read behind `in`
    std::vector<std::uint8_t>& out;   // grows at the end; the caller sends it
};

enum class Status {
    ok,
    want_read, // all of Wire::in was used up; call again when more has come
    closed,    // the peer said close_notify
    truncated, // the peer's stream ended without close_notify
    failed,    // see error()
};

// Why a handshake or a session failed: one word for metrics, sentences for the log.
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
    // Client role. `host_name`: what the user wrote; sent as SNI unless it is an IP literal, and
    // compared with the certificate when the context says so. libpq's rules for both.
    Session(const ClientContext& context, const std::string& host_name);
    ~Session();
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // Call until it no longer says want_read, feeding what the peer sent.
    [[nodiscard]] Status handshake(Wire& wire);
    // Decrypts into `plaintext` until it is full (ok) or the input is used up (want_read).
    [[nodiscard]] ReadResult read(std::span<std::uint8_t> plaintext, Wire& wire);
    // Until this is called, OpenSSL overwrites what was read of its own copy: a login has passwords and
    // proofs. Without it reading is cheaper.
    void stop_wiping() noexcept;
    // Encrypts all of `plaintext` behind Wire::out, in records of up to 16 KiB.
    [[nodiscard]] Status write(std::span<const std::uint8_t> plaintext, Wire& wire);
    // Appends close_notify, once; writing is over, reading may go on.
    void shut_down(Wire& wire);

    // Decrypted bytes or parts of a record are held inside.
    [[nodiscard]] bool holds_bytes() const noexcept;
    // Decrypted bytes are held inside: a read would give some without any more from the peer.
    [[nodiscard]] bool holds_plaintext() const noexcept;

    // Valid after handshake() said ok.
    [[nodiscard]] PeerFacts facts() const;
    // Of the server's certificate on this very connection, ours or the peer's by role: what SCRAM
    // binds to (RFC 5929, tls-server-end-point). A reload in between changes nothing. Empty: the
    // certificate has no digest (Ed25519, Ed448).
    [[nodiscard]] std::vector<std::uint8_t> end_point() const;

    // Of the last failed call. error() is what PostgreSQL writes behind "could not accept SSL
    // connection: ": never empty after failed, never "Success". Where a certificate was refused,
    // PostgreSQL's two DETAIL lines with subject, serial and issuer follow, each behind a '\n'.
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
