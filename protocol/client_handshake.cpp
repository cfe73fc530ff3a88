// The state machine of client_handshake.h, one function per state. Only this file changes the
// state; nothing that a client sends can make it assert.
#include "protocol/client_handshake.h"

#include "protocol/driver_answer.h"
#include "protocol/limits.h"
#include "protocol/messages.h"
#include "protocol/refusals.h"

#include <cassert>
#include <string_view>
#include <utility>

namespace pgmoat::protocol {
namespace {

using Reason = CloseHandshake::Reason;

constexpr std::size_t length_word_bytes = 4;

constexpr std::string_view incomplete_packet_text = "incomplete startup packet";

Reason close_reason(RefusedStartup::Reason reason) noexcept {
    switch (reason) {
    case RefusedStartup::Reason::unsupported_version: return Reason::unsupported_version;
    case RefusedStartup::Reason::bad_layout: return Reason::bad_layout;
    case RefusedStartup::Reason::bad_value: return Reason::bad_value;
    case RefusedStartup::Reason::no_user: return Reason::no_user;
    case RefusedStartup::Reason::bad_cancel: return Reason::bad_cancel;
    }
    return Reason::bad_layout;
}

} // namespace

ClientHandshakeAction ClientHandshake::resume(const ClientHandshakeInput& input) {
    switch (state_) {
    case State::start:
        (void)answer_as<Begin>(input);
        state_ = State::first_byte;
        return PeekByte{};
    case State::first_byte: return on_first_byte(input);
    case State::direct_tls: return on_direct_tls(answer_as<TlsStarted>(input));
    case State::length: return on_length(input);
    case State::body: return on_body(input);
    case State::early_bytes: early_bytes_ = answer_as<EarlyBytes>(input).present; return write_n();
    case State::answered_s:
        (void)answer_as<Written>(input);
        state_ = State::in_tls;
        return StartServerTls{.direct = false};
    case State::in_tls: (void)answer_as<TlsStarted>(input); return on_in_tls();
    case State::answered_n: (void)answer_as<Written>(input); return on_answered_n();
    case State::done: break;
    }
    assert(false && "resumed after the end");
    return close(Reason::incomplete_packet, {});
}

ClientHandshakeAction ClientHandshake::on_first_byte(const ClientHandshakeInput& input) {
    if (std::holds_alternative<EndOfStream>(input)) return close(Reason::end_of_stream, {});
    if (answer_as<ByteSeen>(input).byte != tls_handshake_record) return read_length();
    if (!tls_possible_) return close(Reason::tls_not_enabled, {});
    facts_.direct_tls = true;
    state_ = State::direct_tls;
    return StartServerTls{.direct = true};
}

// Requiring ALPN prevents a browser's or mail client's TLS connection from being redirected here
// (ALPACA). PostgreSQL finishes the handshake before it closes.
ClientHandshakeAction ClientHandshake::on_direct_tls(const TlsStarted& started) {
    facts_.tls = true;
    if (!started.alpn_negotiated) {
        return close(Reason::no_alpn,
                     "received direct SSL connection request without ALPN protocol negotiation "
                     "extension");
    }
    return read_length();
}

ClientHandshakeAction ClientHandshake::on_length(const ClientHandshakeInput& input) {
    if (const auto* end = std::get_if<EndOfStream>(&input)) {
        return cut_short_in_length(end->bytes_before);
    }
    const ByteView word = answer_as<BytesRead>(input).bytes;
    assert(word.size() == length_word_bytes);
    const auto length = static_cast<std::int32_t>(read_uint32(word));
    if (length < startup_length_min || length > startup_length_max) {
        return close(Reason::bad_length, "invalid length of startup packet");
    }
    packet_.reserve(static_cast<std::size_t>(length));
    packet_.assign(word.begin(), word.end());
    state_ = State::body;
    return ReadExactly{static_cast<std::size_t>(length) - length_word_bytes};
}

ClientHandshakeAction ClientHandshake::on_body(const ClientHandshakeInput& input) {
    if (std::holds_alternative<EndOfStream>(input)) {
        return close(Reason::incomplete_packet, std::string(incomplete_packet_text));
    }
    const ByteView rest = answer_as<BytesRead>(input).bytes;
    assert(rest.size() + length_word_bytes == read_uint32(packet_));
    packet_.insert(packet_.end(), rest.begin(), rest.end());
    return on_packet(parse_startup_packet(packet_, ssl_done_, gss_done_));
}

ClientHandshakeAction ClientHandshake::on_packet(StartupPacket packet) {
    packet_.clear();
    if (std::holds_alternative<SslRequest>(packet)) return answer_request(Request::ssl);
    if (std::holds_alternative<GssEncRequest>(packet)) return answer_request(Request::gssenc);
    if (const auto* refused = std::get_if<RefusedStartup>(&packet)) return refuse(*refused);
    state_ = State::done;
    if (auto* cancel = std::get_if<CancelRequest>(&packet)) {
        return HandshakeFinished{std::move(*cancel)};
    }
    return HandshakeFinished{std::move(*std::get_if<StartupMessage>(&packet))};
}

ClientHandshakeAction ClientHandshake::on_in_tls() {
    facts_.tls = true;
    return read_length();
}

ClientHandshakeAction ClientHandshake::on_answered_n() {
    if (!early_bytes_) return read_length();
    const ErrorText& text = refused_request_ == Request::ssl ? early_bytes_after_ssl_request
                                                             : early_bytes_after_gssenc_request;
    return close(Reason::early_bytes, std::string(text.message), encode_fatal(text));
}

ClientHandshakeAction ClientHandshake::read_length() {
    state_ = State::length;
    return ReadExactly{length_word_bytes};
}

ClientHandshakeAction ClientHandshake::answer_request(Request request) {
    const bool ssl = request == Request::ssl;
    (ssl ? facts_.ssl_requested : facts_.gssenc_requested) = true;
    (ssl ? ssl_done_ : gss_done_) = true;
    if (ssl && tls_possible_ && !facts_.tls) return write_s();

    refused_request_ = request;
    // Inside TLS nobody can have injected bytes, so there is nothing to look for.
    if (facts_.tls) return write_n();
    state_ = State::early_bytes;
    return LookForEarlyBytes{};
}

ClientHandshakeAction ClientHandshake::write_s() {
    gss_done_ = true;
    state_ = State::answered_s;
    return WriteBytes{{'S'}};
}

ClientHandshakeAction ClientHandshake::write_n() {
    state_ = State::answered_n;
    return WriteBytes{{'N'}};
}

ClientHandshakeAction ClientHandshake::refuse(const RefusedStartup& refused) {
    return close(close_reason(refused.reason), refused.message, encode_refusal(refused));
}

// A client that gives up after its request was answered is routine, even if it ends within the
// length word.
ClientHandshakeAction ClientHandshake::cut_short_in_length(std::size_t bytes_before) {
    if (bytes_before == 0) return close(Reason::end_of_stream, {});
    const bool quiet = ssl_done_ || gss_done_;
    return close(Reason::incomplete_packet, std::string(quiet ? "" : incomplete_packet_text));
}

ClientHandshakeAction
ClientHandshake::close(CloseHandshake::Reason reason, std::string log_text, Bytes farewell) {
    state_ = State::done;
    return CloseHandshake{reason, std::move(log_text), std::move(farewell)};
}

} // namespace pgmoat::protocol
