// How a step of a session's story ends the connection, or that it goes on.
#pragma once

#include "proxy/io/stream.h"
#include "proxy/relay/channel.h"

#include <optional>
#include <string>
#include <utility>

namespace pgmoat::control {

using metrics::CloseReason;
using metrics::Side;
using relay::Ended;

// Nothing: the story goes on with the next step.
using Stop = std::optional<Ended>;

// The reason and the words for a failed read or write; every I/O error names its side.
[[nodiscard]] Ended ended_by(Side side, const io::Result& io);

} // namespace pgmoat::control
