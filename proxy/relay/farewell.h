// The error that a client gets when its session is closed from outside, PostgreSQL's own: the one
// table for both planes. Where no message is due (after a deadline, or when the peer has gone) none
// is sent.
// Source: PostgreSQL, postgres.c, ProcessInterrupts().
#pragma once

#include "metrics/labels.h"
#include "protocol/messages.h"

#include <optional>

namespace pgmoat::relay {

[[nodiscard]] constexpr std::optional<protocol::ErrorText>
farewell_of(metrics::CloseReason reason) noexcept {
    switch (reason) {
    case metrics::CloseReason::killed: // by hand, or by access rules after a reload
    case metrics::CloseReason::drain:  // told to leave, or cut off
    case metrics::CloseReason::lifetime:
        return protocol::ErrorText{"57P01", "terminating connection due to administrator command"};
    case metrics::CloseReason::idle:
        return protocol::ErrorText{"57P05", "terminating connection due to idle-session timeout"};
    default: return std::nullopt;
    }
}

} // namespace pgmoat::relay
