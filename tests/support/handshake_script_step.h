// A step of a scripted conversation, and the few differences between the two machines.
#pragma once

#include "protocol/client_handshake.h"
#include "protocol/server_handshake.h"
#include "tests/support/catch.h"
#include "tests/support/handshake_script_outcome.h"

#include <cstddef>
#include <cstdint>
#include <variant>

namespace pgmoat::tests {

struct ScriptStep {
    enum class Kind {
        peek,
        read_length_word, // the first read of a packet
        read,
        sent_ahead, // arrived together with the last byte read, unasked
        look,
        write,
        start_tls,
        start_direct_tls
    };
    Kind kind;
    Bytes bytes = {};
    bool yes = false; // look: there are early bytes; start TLS: ALPN was negotiated

    [[nodiscard]] bool reads() const {
        return kind == Kind::read || kind == Kind::read_length_word;
    }
    [[nodiscard]] bool starts_tls() const {
        return kind == Kind::start_tls || kind == Kind::start_direct_tls;
    }
};

// The outcome if the peer closes within a read.
inline Outcome cut_short(const protocol::ClientHandshake&,
                         const ScriptStep& read,
                         std::size_t bytes_before,
                         bool request_answered) {
    using Reason = protocol::CloseHandshake::Reason;
    const bool begins_packet = read.kind == ScriptStep::Kind::read_length_word;
    if (begins_packet && bytes_before == 0) return closed(Reason::end_of_stream);
    const bool quiet = begins_packet && request_answered;
    return closed(Reason::incomplete_packet, quiet ? "" : "incomplete startup packet");
}
inline Outcome cut_short(const protocol::ServerHandshake&, const ScriptStep&, std::size_t, bool) {
    return failed(protocol::FailAttempt::Reason::end_of_stream,
                  "server closed the connection unexpectedly");
}

inline bool asks_for_a_peek(const protocol::ClientHandshakeAction& action) {
    return std::holds_alternative<protocol::PeekByte>(action);
}
inline bool asks_for_a_peek(const protocol::ServerHandshakeAction&) {
    return false;
}

inline protocol::ClientHandshakeInput peeked(const protocol::ClientHandshake&, std::uint8_t byte) {
    return protocol::ByteSeen{byte};
}
inline protocol::ServerHandshakeInput peeked(const protocol::ServerHandshake&, std::uint8_t) {
    return protocol::Begin{}; // never reached: this machine does not peek
}

inline bool start_is_direct(const protocol::ClientHandshakeAction& action) {
    REQUIRE(std::holds_alternative<protocol::StartServerTls>(action));
    return std::get<protocol::StartServerTls>(action).direct;
}
inline bool start_is_direct(const protocol::ServerHandshakeAction& action) {
    REQUIRE(std::holds_alternative<protocol::StartClientTls>(action));
    return std::get<protocol::StartClientTls>(action).direct;
}

} // namespace pgmoat::tests
