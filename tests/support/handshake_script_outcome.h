// The possible outcomes of a handshake machine, in a form that can be compared and printed. Without
// Catch2, so that fuzz targets can use it too.
#pragma once

#include "protocol/client_handshake.h"
#include "protocol/server_handshake.h"
#include "tests/support/packet_builders.h"

#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace pgmoat::tests {

struct Outcome {
    std::string end;    // what happened, such as "closed: bad_length"
    std::string logged; // the text for the log
    Bytes bytes;        // the farewell of a close, the packet of a request
    bool operator==(const Outcome&) const = default;
};

inline std::ostream& operator<<(std::ostream& out, const Outcome& outcome) {
    out << outcome.end << " [" << outcome.logged << "] " << outcome.bytes.size() << " bytes: ";
    for (const auto byte : outcome.bytes) {
        out << (byte >= 0x20 && byte < 0x7f ? static_cast<char>(byte) : '.');
    }
    return out;
}

inline std::string_view name_of(protocol::CloseHandshake::Reason reason) {
    using Reason = protocol::CloseHandshake::Reason;
    switch (reason) {
    case Reason::end_of_stream: return "closed: end_of_stream";
    case Reason::incomplete_packet: return "closed: incomplete_packet";
    case Reason::bad_length: return "closed: bad_length";
    case Reason::bad_layout: return "closed: bad_layout";
    case Reason::unsupported_version: return "closed: unsupported_version";
    case Reason::bad_value: return "closed: bad_value";
    case Reason::no_user: return "closed: no_user";
    case Reason::bad_cancel: return "closed: bad_cancel";
    case Reason::early_bytes: return "closed: early_bytes";
    case Reason::tls_not_enabled: return "closed: tls_not_enabled";
    case Reason::no_alpn: return "closed: no_alpn";
    }
    return "outside the closed list";
}

inline std::string_view name_of(protocol::FailAttempt::Reason reason) {
    using Reason = protocol::FailAttempt::Reason;
    switch (reason) {
    case Reason::end_of_stream: return "failed: end_of_stream";
    case Reason::tls_refused: return "failed: tls_refused";
    case Reason::bad_answer: return "failed: bad_answer";
    case Reason::early_bytes: return "failed: early_bytes";
    case Reason::no_alpn: return "failed: no_alpn";
    }
    return "outside the closed list";
}

// --- what tests expect ---------------------------------------------------------------------------

inline Outcome startup_of_client(Bytes packet) {
    return {"startup", {}, std::move(packet)};
}
inline Outcome cancel_of_client(Bytes packet) {
    return {"cancel", {}, std::move(packet)};
}
inline Outcome
closed(protocol::CloseHandshake::Reason reason, std::string logged = {}, Bytes farewell = {}) {
    return {std::string(name_of(reason)), std::move(logged), std::move(farewell)};
}
inline Outcome ready_in_tls() {
    return {"ready in TLS", {}, {}};
}
inline Outcome ready_in_the_clear() {
    return {"ready in the clear", {}, {}};
}
inline Outcome failed(protocol::FailAttempt::Reason reason, std::string_view logged) {
    return {std::string(name_of(reason)), std::string(logged), {}};
}

// --- what the machines did -----------------------------------------------------------------------

inline Outcome outcome_of(const protocol::HandshakeFinished& finished) {
    if (const auto* cancel = std::get_if<protocol::CancelRequest>(&finished.request)) {
        return cancel_of_client(cancel->packet);
    }
    return startup_of_client(std::get<protocol::StartupMessage>(finished.request).packet);
}
inline Outcome outcome_of(const protocol::CloseHandshake& close) {
    return closed(close.reason, close.log_text, close.farewell);
}
inline Outcome outcome_of(const protocol::ServerReady& ready) {
    return ready.tls ? ready_in_tls() : ready_in_the_clear();
}
inline Outcome outcome_of(const protocol::FailAttempt& fail) {
    return failed(fail.reason, fail.log_text);
}

template <typename Action>
concept EndsHandshake = requires(const Action& action) {
    outcome_of(action);
};

// The outcome, if this action ends the conversation.
template <typename... Actions>
std::optional<Outcome> end_of(const std::variant<Actions...>& action) {
    return std::visit(
        [](const auto& one) -> std::optional<Outcome> {
            if constexpr (EndsHandshake<std::decay_t<decltype(one)>>) {
                return outcome_of(one);
            } else {
                return std::nullopt;
            }
        },
        action);
}

template <typename... Actions>
Outcome ending(const std::variant<Actions...>& action) {
    return end_of(action).value_or(Outcome{"not an end", {}, {}});
}

} // namespace pgmoat::tests
