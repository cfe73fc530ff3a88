// The record of a connection from the moment that it was accepted (law 10).
#pragma once

#include "proxy/session/session.h"
#include "proxy/session/session_recorder.h"

#include <optional>

namespace pgmoat::session {

// Nothing: there was no memory even for its row; the connection is counted, and logged if that is
// possible, and that is all.
[[nodiscard]] std::optional<SessionRecorder> begin_record(runtime::Services& services,
                                                          const Accepted& accepted) noexcept;

} // namespace pgmoat::session
