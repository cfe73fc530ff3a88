// The session's life. Phases only move down this table; only fail() and finish_handshake() change
// them.
//
//   phase        | call                              | what comes
//   -------------+-----------------------------------+------------------------------------------------
//   handshaking  | handshake(): OpenSSL is content   | PostgreSQL's or libpq's own checks -> open
//                | anything that fails, end of stream| failed                             -> over
//   open         | read(): close_notify              | closed; writing may go on
//                | read(): end of stream             | truncated                          -> over
//                | anything that fails               | failed                             -> over
//   over         | any                               | the same answer again; write(): failed
#include "tls/session.h"

#include "tls/bio.h"
#include "tls/callbacks.h"
#include "tls/certificate.h"
#include "tls/context.h"
#include "tls/error.h"
#include "tls/facts.h"
#include "tls/handles.h"
#include "tls/host_name.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <utility>

namespace pgmoat::tls {

struct Session::Native {
    enum class Phase { handshaking, open, over };

    Notes notes;
    SslPtr ssl;            // null: creating it failed; handshake() reports it
    std::string host_name; // client role, until the handshake is over
    Verify verify = Verify::nothing;
    Phase phase = Phase::handshaking;
    Status last = Status::failed; // what calls return in phase over
    int first_byte = -1;          // that the peer sent
    bool shut_down = false;
    std::string broken; // why creating it failed
};

namespace {

SslPtr new_ssl(ssl_ctx_st* context, Notes& notes) {
    SslPtr ssl(SSL_new(context));
    BioPtr bio = new_wire_bio();
    if (!ssl || !bio) return nullptr;
    BIO* both_directions = bio.release();
    SSL_set_bio(ssl.get(), both_directions, both_directions);
    SSL_set_app_data(ssl.get(), &notes);
    SSL_set_options(ssl.get(), SSL_OP_CLEANSE_PLAINTEXT);
    return ssl;
}

// SSL_set_tlsext_host_name() is a macro with a C cast. OpenSSL copies the name.
bool set_server_name(SSL* ssl, const std::string& name) {
    return SSL_ctrl(ssl,
                    SSL_CTRL_SET_TLSEXT_HOSTNAME,
                    TLSEXT_NAMETYPE_host_name,
                    const_cast<char*>(name.c_str())) == 1;
}

// RFC 8446, section 5.1: change_cipher_spec, alert, handshake, application_data.
bool starts_a_record(int byte) {
    return byte >= 20 && byte <= 23;
}

} // namespace

Session::Session(const ServerContext& context) : native_(std::make_unique<Native>()) {
    ERR_clear_error();
    native_->notes.is_server = true;
    native_->ssl = new_ssl(context.native(), native_->notes);
    if (native_->ssl)
        SSL_set_accept_state(native_->ssl.get());
    else
        native_->broken = "could not initialize SSL connection: " + take_reason();
    ERR_clear_error();
}

Session::Session(const ClientContext& context, const std::string& host_name)
    : native_(std::make_unique<Native>()) {
    ERR_clear_error();
    native_->verify = context.verify();
    native_->host_name = host_name;
    native_->ssl = new_ssl(context.native(), native_->notes);
    if (!native_->ssl) {
        native_->broken = "could not establish SSL connection: " + take_reason();
        return;
    }
    SSL_set_connect_state(native_->ssl.get());
    if (context.sends_server_name() && !host_name.empty() && !looks_like_address(host_name) &&
        !set_server_name(native_->ssl.get(), host_name)) {
        native_->broken = "could not set SSL Server Name Indication (SNI): " + take_reason();
    }
    ERR_clear_error();
}

Session::~Session() = default;

Status Session::handshake(Wire& wire) {
    if (native_->phase == Native::Phase::open) return Status::ok;
    if (native_->phase == Native::Phase::over) return native_->last;
    if (!native_->broken.empty()) return fail(Failure::other, native_->broken);
    if (native_->first_byte < 0 && !wire.in.empty()) native_->first_byte = wire.in.front();
    const WireInUse in_use(native_->ssl.get(), wire);
    ERR_clear_error();
    const int result = SSL_do_handshake(native_->ssl.get());
    return result == 1 ? finish_handshake() : explain(result, wire);
}

// OpenSSL has accepted the handshake. PostgreSQL and libpq compare names themselves, after it, and
// close with close_notify, as any connection, if they do not match.
Status Session::finish_handshake() {
    SSL* ssl = native_->ssl.get();
    const CertificatePtr certificate(SSL_get1_peer_certificate(ssl));
    std::string objection;
    Failure failure = Failure::certificate_other;
    if (certificate && native_->notes.is_server) {
        objection = embedded_null(certificate.get());
    } else if (certificate && native_->verify == Verify::chain_and_name) {
        objection = host_name_mismatch(names_of(certificate.get()), native_->host_name);
        failure = Failure::certificate_name;
    }
    ERR_clear_error();
    native_->host_name = {};
    if (objection.empty()) {
        native_->phase = Native::Phase::open;
        return Status::ok;
    }
    SSL_shutdown(ssl);
    ERR_clear_error();
    return fail(failure, std::move(objection));
}

ReadResult Session::read(std::span<std::uint8_t> plaintext, Wire& wire) {
    if (native_->phase == Native::Phase::over) return {native_->last, 0};
    if (native_->phase == Native::Phase::handshaking)
        return {fail(Failure::other, "the handshake is not finished"), 0};
    SSL* ssl = native_->ssl.get();
    const WireInUse in_use(ssl, wire);
    ERR_clear_error();
    std::size_t total = 0;
    while (total < plaintext.size()) {
        std::size_t bytes = 0;
        const auto rest = plaintext.subspan(total);
        const int result = SSL_read_ex(ssl, rest.data(), rest.size(), &bytes);
        if (native_->notes.no_progress_messages.exceeded())
            return {fail(Failure::flood, "too many key updates or renegotiations"), total};
        if (result != 1) return {explain(result, wire), total};
        total += bytes;
    }
    return {Status::ok, total};
}

void Session::stop_wiping() noexcept {
    if (native_->ssl) SSL_clear_options(native_->ssl.get(), SSL_OP_CLEANSE_PLAINTEXT);
}

Status Session::write(std::span<const std::uint8_t> plaintext, Wire& wire) {
    if (native_->phase == Native::Phase::over) return Status::failed;
    if (native_->phase == Native::Phase::handshaking)
        return fail(Failure::other, "the handshake is not finished");
    if (native_->shut_down) return fail(Failure::other, "write after close_notify");
    if (plaintext.empty()) return Status::ok;
    SSL* ssl = native_->ssl.get();
    const WireInUse in_use(ssl, wire);
    ERR_clear_error();
    std::size_t written = 0;
    const int result = SSL_write_ex(ssl, plaintext.data(), plaintext.size(), &written);
    if (result == 1) return Status::ok;
    const Status status = explain(result, wire);
    // Our BIO accepts everything, so a write never waits.
    return status == Status::failed ? status : fail(Failure::other, "the session takes no data");
}

void Session::shut_down(Wire& wire) {
    if (native_->phase != Native::Phase::open || native_->shut_down) return;
    native_->shut_down = true;
    const WireInUse in_use(native_->ssl.get(), wire);
    ERR_clear_error();
    SSL_shutdown(native_->ssl.get());
    ERR_clear_error();
}

// SSL_has_pending() does not see a partly read record header; the read state shows it.
bool Session::holds_bytes() const noexcept {
    const SSL* ssl = native_->ssl.get();
    if (ssl == nullptr) return false;
    return SSL_has_pending(ssl) == 1 || std::string_view(SSL_rstate_string(ssl)) == "RB";
}

bool Session::holds_plaintext() const noexcept {
    return native_->ssl && SSL_pending(native_->ssl.get()) > 0;
}

PeerFacts Session::facts() const {
    if (!native_->ssl) return {};
    PeerFacts facts = read_facts(native_->ssl.get());
    ERR_clear_error();
    return facts;
}

std::vector<std::uint8_t> Session::end_point() const {
    SSL* const ssl = native_->ssl.get();
    if (ssl == nullptr) return {};
    if (SSL_is_server(ssl) == 1) {
        const X509* const own = SSL_get_certificate(ssl);
        return own == nullptr ? std::vector<std::uint8_t>() : end_point_digest(own);
    }
    const CertificatePtr peer(SSL_get1_peer_certificate(ssl));
    return peer ? end_point_digest(peer.get()) : std::vector<std::uint8_t>();
}

// Why OpenSSL stopped. Leaves the error queue empty.
Status Session::explain(int result, const Wire& wire) {
    SSL* ssl = native_->ssl.get();
    const int why = SSL_get_error(ssl, result);
    const unsigned long code = ERR_get_error();
    ERR_clear_error();
    if (why == SSL_ERROR_WANT_READ) return Status::want_read;
    if (why == SSL_ERROR_ZERO_RETURN)
        return native_->phase == Native::Phase::open ? Status::closed : end_of_stream();
    if (why == SSL_ERROR_SYSCALL) {
        // Our BIO fails for two reasons only: the end of the stream, and a lack of memory.
        const bool at_end = wire.end_of_stream && wire.in.empty();
        return at_end ? end_of_stream() : fail(Failure::other, "out of memory");
    }
    if (is_unexpected_end(code)) return end_of_stream();
    std::string error = reason_text(code);
    if (!native_->notes.refusal.empty()) error += "\n" + native_->notes.refusal;
    return fail(native_->notes.unknown_host ? Failure::unrecognized_name
                                            : classify(code, SSL_get_verify_result(ssl)),
                std::move(error));
}

// PostgreSQL's text, whatever OpenSSL calls it.
Status Session::end_of_stream() {
    const bool was_open = native_->phase == Native::Phase::open;
    const Status status = fail(Failure::end_of_stream, "EOF detected");
    if (was_open) native_->last = Status::truncated;
    return was_open ? Status::truncated : status;
}

Status Session::fail(Failure failure, std::string error) {
    const bool plaintext = native_->phase == Native::Phase::handshaking &&
                           native_->first_byte >= 0 && !starts_a_record(native_->first_byte);
    failure_ = plaintext ? Failure::not_tls : failure;
    error_ = std::move(error);
    native_->phase = Native::Phase::over;
    native_->last = Status::failed;
    return Status::failed;
}

} // namespace pgmoat::tls
