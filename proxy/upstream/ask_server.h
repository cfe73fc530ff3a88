// How to answer a client's SSLRequest or GSSENCRequest before its server is connected to: as the
// upstream's servers answered last.
#pragma once

#include "proxy/runtime/services.h"
#include "proxy/upstream/dial.h"

#include <memory>

namespace pgmoat::upstream {

// A no, or that nothing is known, is asked about again, at most once in a while for an upstream.
// Without an answer: yes to TLS (the listener is for that), no to GSSAPI. `dialer` is the caller's,
// to interrupt it with.
[[nodiscard]] Awaitable<bool> would_encrypt(runtime::ControlThread& thread,
                                            Dialer& dialer,
                                            std::shared_ptr<const runtime::UpstreamTarget> target,
                                            runtime::EncryptionRequest request);

} // namespace pgmoat::upstream
