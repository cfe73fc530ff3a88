// Ends live sessions that may not go on: their listener or server is drained, their server is no longer
// the primary, idle_session_timeout or max_session_lifetime is over. Looks at the session table; the relay
// plane has the last word. On the first control thread.
#pragma once

#include "proxy/runtime/services.h"
#include "proxy/server/session_timeouts.h"

#include <memory>
#include <vector>

namespace pgmoat::server {

class EndingSessions {
  public:
    using Threads = std::vector<std::unique_ptr<runtime::ControlThread>>;

    EndingSessions(Threads& threads, runtime::Services& services)
        : threads_(threads), services_(services) {}

    void end_drained();
    // At once: what they do there may be lost.
    void end_misplaced(const runtime::RuntimeConfig& setup);
    // A session that is not idle by now is left alone.
    void end_overdue(const config::Config& config);

  private:
    Threads& threads_;
    runtime::Services& services_;
    SessionTimeouts timeouts_;
};

} // namespace pgmoat::server
