// Forwards a cancel request: to the very server of the session that has its key, with that
// session's TLS settings, as libpq's PQcancelStart() does; a key that is not known here (another
// replica's session has it) to each host of the upstreams that the listener's clients may reach; of
// templates, to those that the request's own server name leads to.
// The key is the server's own and never rewritten. No reply, no access rules, as in PostgreSQL.
// cancel_query() sends one of our own to the server of a session that is ended from outside: its
// query would go on, until it writes to a client that is no longer there.
#pragma once

#include "protocol/startup.h"
#include "proxy/runtime/services.h"
#include "proxy/session/close_reason.h"
#include "proxy/upstream/dial.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace pgmoat::session {

class CancelForwarder {
  public:
    CancelForwarder(runtime::ControlThread& thread,
                    std::shared_ptr<const runtime::RuntimeConfig> setup,
                    std::size_t listener);
    ~CancelForwarder();
    CancelForwarder(const CancelForwarder&) = delete;
    CancelForwarder& operator=(const CancelForwarder&) = delete;

    // Returns when the servers have closed the connection (that is how a client knows that the
    // cancel was processed), or cancel_timeout passed. `client` is the address that it came from,
    // `server_name` what its TLS asked for.
    [[nodiscard]] Awaitable<Ended> forward(const protocol::CancelRequest& request,
                                           const std::string& client,
                                           const std::string& server_name);

    // Every wait ends at once.
    void interrupt();

  private:
    struct Target {
        std::shared_ptr<const runtime::UpstreamTarget> upstream;
        upstream::Plan plan;
    };
    class Errand; // to one server

    [[nodiscard]] std::vector<Target> targets(const protocol::CancelRequest& request,
                                              const std::string& server_name,
                                              bool& known) const;
    [[nodiscard]] std::vector<std::shared_ptr<const runtime::UpstreamTarget>>
    reachable(const std::string& server_name) const;

    runtime::ControlThread& thread_;
    std::shared_ptr<const runtime::RuntimeConfig> setup_;
    std::size_t listener_;
    std::vector<std::unique_ptr<Errand>> errands_;
};

// `thread` is the caller's; returns before it is done. Where no key is known (TLS passes through)
// there is nothing that could be done.
void cancel_query(runtime::ControlThread& thread, std::uint64_t id);

} // namespace pgmoat::session
