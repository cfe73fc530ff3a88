// The state machine of server_handshake.h, and libpq's order of attempts. Only this file changes
// the state; nothing that a server sends can make it assert.
#include "protocol/server_handshake.h"

#include "protocol/driver_answer.h"
#include "protocol/messages.h"

#include <cassert>

namespace pgmoat::protocol {

using Reason = FailAttempt::Reason;

Attempt first_attempt(SslMode mode, SslNegotiation negotiation, bool local_socket) {
    if (local_socket) return Attempt::plain;
    switch (mode) {
    case SslMode::disable:
    case SslMode::allow: return Attempt::plain;
    case SslMode::prefer: return Attempt::tls_if_offered;
    case SslMode::require:
    case SslMode::verify_ca:
    case SslMode::verify_full: break;
    }
    return negotiation == SslNegotiation::direct ? Attempt::tls_direct : Attempt::tls_required;
}

// A server that answers 57P03 would do so without TLS too, and a connection that was never made
// says nothing about TLS: in both cases libpq goes to the next host.
std::optional<Attempt>
next_attempt(SslMode mode, Attempt failed, AttemptFailure why, bool tls_was_used) {
    const bool refused_plain = failed == Attempt::plain && why == AttemptFailure::server_error;
    if (mode == SslMode::allow && refused_plain) return Attempt::tls_required;

    const bool refused_tls = why == AttemptFailure::tls_handshake ||
                             (why == AttemptFailure::server_error && tls_was_used);
    if (mode == SslMode::prefer && failed == Attempt::tls_if_offered && refused_tls) {
        return Attempt::plain;
    }
    return std::nullopt;
}

ServerHandshakeAction ServerHandshake::resume(const ServerHandshakeInput& input) {
    switch (state_) {
    case State::start: (void)answer_as<Begin>(input); return on_start();
    case State::asked:
        (void)answer_as<Written>(input);
        state_ = State::answer;
        return ReadExactly{1};
    case State::answer: return on_answer(input);
    case State::early_bytes: return on_early_bytes(answer_as<EarlyBytes>(input));
    case State::tls: return on_tls(answer_as<TlsStarted>(input));
    case State::done: break;
    }
    assert(false && "resumed after the end");
    return fail(Reason::end_of_stream, {});
}

ServerHandshakeAction ServerHandshake::on_start() {
    if (attempt_ == Attempt::plain) return ready(false);
    if (attempt_ == Attempt::tls_direct) return start_tls();
    state_ = State::asked;
    return WriteBytes{encode_ssl_request()};
}

ServerHandshakeAction ServerHandshake::on_answer(const ServerHandshakeInput& input) {
    if (std::holds_alternative<EndOfStream>(input)) {
        return fail(Reason::end_of_stream, "server closed the connection unexpectedly");
    }
    const ByteView answer = answer_as<BytesRead>(input).bytes;
    assert(answer.size() == 1);
    switch (answer[0]) {
    case 'S': accepted_ = true; return look_for_early_bytes();
    case 'N':
        if (attempt_ == Attempt::tls_if_offered) return look_for_early_bytes();
        return fail(Reason::tls_refused, "server does not support SSL, but SSL was required");
    case 'E': return fail(Reason::bad_answer, "server sent an error response during SSL exchange");
    default: return fail(Reason::bad_answer, "received invalid response to SSL negotiation");
    }
}

// Nothing may follow the one byte before we send again: such bytes could come from a man in the
// middle, and nothing distinguishes the server's own from those.
ServerHandshakeAction ServerHandshake::on_early_bytes(const EarlyBytes& early) {
    if (early.present) {
        return fail(Reason::early_bytes, "received unencrypted data after SSL response");
    }
    return accepted_ ? start_tls() : ready(false);
}

ServerHandshakeAction ServerHandshake::on_tls(const TlsStarted& started) {
    if (attempt_ == Attempt::tls_direct && !started.alpn_negotiated) {
        return fail(Reason::no_alpn,
                    "direct SSL connection was established without ALPN protocol negotiation "
                    "extension");
    }
    return ready(true);
}

ServerHandshakeAction ServerHandshake::look_for_early_bytes() {
    state_ = State::early_bytes;
    return LookForEarlyBytes{};
}

ServerHandshakeAction ServerHandshake::start_tls() {
    state_ = State::tls;
    return StartClientTls{.direct = attempt_ == Attempt::tls_direct};
}

ServerHandshakeAction ServerHandshake::ready(bool tls) {
    state_ = State::done;
    return ServerReady{tls};
}

ServerHandshakeAction ServerHandshake::fail(FailAttempt::Reason reason, std::string_view log_text) {
    state_ = State::done;
    return FailAttempt{reason, log_text};
}

} // namespace pgmoat::protocol
