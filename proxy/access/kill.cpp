#include "proxy/access/kill.h"

#include <boost/asio/post.hpp>

#include <algorithm>
#include <utility>

namespace pgmoat::access {

namespace {

using Ids = std::vector<std::uint64_t>;

// A session is either in the list of its control thread, or has been handed over: then the relay
// plane knows it.
void kill_on(runtime::ControlThread& thread, const Ids& ids, const relay::Ended& ended) {
    std::vector<bool> here(ids.size());
    for (runtime::Interruptible* session : thread.sessions) {
        const auto found = std::ranges::lower_bound(ids, session->id());
        if (found == ids.end() || *found != session->id()) continue;
        here[static_cast<std::size_t>(found - ids.begin())] = true;
        session->interrupt(ended);
    }
    Ids elsewhere;
    for (std::size_t i = 0; i < ids.size(); ++i)
        if (!here[i]) elsewhere.push_back(ids[i]);
    thread.services.plane.close(elsewhere, ended);
}

} // namespace

bool kill(std::span<const std::unique_ptr<runtime::ControlThread>> threads,
          std::uint64_t id,
          const std::string& detail) {
    if (threads.empty() || !threads.front()->services.table.has(id)) return false;
    kill_all(threads, {id}, detail);
    return true;
}

void kill_all(std::span<const std::unique_ptr<runtime::ControlThread>> threads,
              std::vector<std::uint64_t> ids,
              const std::string& detail) {
    end_all(threads, std::move(ids), {metrics::CloseReason::killed, detail});
}

void end_all(std::span<const std::unique_ptr<runtime::ControlThread>> threads,
             std::vector<std::uint64_t> ids,
             const relay::Ended& ended) {
    std::ranges::sort(ids);
    const auto shared = std::make_shared<const Ids>(std::move(ids));
    for (const auto& thread : threads)
        asio::post(thread->context,
                   [&thread = *thread, shared, ended] { kill_on(thread, *shared, ended); });
}

} // namespace pgmoat::access
