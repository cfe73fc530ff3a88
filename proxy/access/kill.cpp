#include "proxy/access/kill.h"

#include <boost/asio/post.hpp>

namespace pgmoat::access {

namespace {

// The thread that has the session finds it here, or has handed it over before: then the relay
// plane finds it.
void kill_on(runtime::ControlThread& thread, std::uint64_t id, const relay::Ended& ended) {
    for (runtime::Interruptible* session : thread.sessions)
        if (session->id() == id) return session->interrupt(ended);
    thread.services.plane.close(id, ended);
}

} // namespace

bool kill(std::span<const std::unique_ptr<runtime::ControlThread>> threads,
          std::uint64_t id,
          const std::string& detail) {
    if (threads.empty() || !threads.front()->services.table.has(id)) return false;
    const relay::Ended ended{metrics::CloseReason::killed, detail};
    for (const auto& thread : threads)
        asio::post(thread->context, [&thread = *thread, id, ended] { kill_on(thread, id, ended); });
    return true;
}

} // namespace pgmoat::access
