// How to answer a client's SSLRequest or GSSENCRequest before connecting to a server: as the
// upstream's servers answered last.
#pragma once

#include "proxy/runtime/services.h"
#include "proxy/upstream/dial.h"

#include <memory>

namespace pgmoat::upstream {

// If the last answer was no, or none is known, a server is asked again, at most once per ask_pause
// for each upstream. Without an answer: yes for TLS (the purpose of the listener), no for GSSAPI.
// `dialer` is the caller's, who can interrupt it.
[[nodiscard]] Awaitable<bool> would_encrypt(runtime::ControlThread& thread,
                                            Dialer& dialer,
                                            std::shared_ptr<const runtime::UpstreamTarget> target,
                                            runtime::EncryptionRequest request);

} // namespace pgmoat::upstream
