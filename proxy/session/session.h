// One connection from accept to hand-over: greet, decide, reach, login, hand over. Begin with run()
// in session.cpp.
#pragma once

#include "proxy/descriptor.h"
#include "proxy/io/sockets.h"
#include "proxy/runtime/services.h"

#include <memory>

namespace pgmoat::session {

// A connection as a listener accepted it.
struct Accepted {
    Descriptor socket; // non-blocking
    int family = 0;
    io::PeerAddress peer;
    std::shared_ptr<const runtime::RuntimeConfig> setup; // the configuration of the listener
    std::size_t listener = 0;                            // index into its listeners
    metrics::ListenerId listener_id{};
};

// For a connection that does not become a session: only reports it.
void refuse_session(runtime::ControlThread& thread,
                    const Accepted& accepted,
                    const relay::Ended& ended) noexcept;

// Starts the session on its control thread, which must be the calling one. It ends by itself. If
// there is no memory for it, the connection is closed, counted and reported at once.
void start_session(runtime::ControlThread& thread, Accepted accepted) noexcept;

} // namespace pgmoat::session
