// Forwards a cancel request. If a session has its key: to that session's server, with the same TLS
// settings, as libpq's PQcancelStart() does. An unknown key may belong to another replica's
// session: then to each host of the upstreams that the listener's clients may reach, of host
// templates only to the host that the request's own SNI gives. The key is the server's own and
// never rewritten. No reply, no access rules, as in PostgreSQL. cancel_query() sends a request of
// our own to the server of a session that pgmoat ends: its query would otherwise run until it
// writes to the closed connection.
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

    // Returns when the servers have closed the connection (which shows a client that the cancel was
    // processed), or when cancel_timeout has passed. `client` is the sender's address,
    // `server_name` its SNI.
    [[nodiscard]] Awaitable<Ended> forward(const protocol::CancelRequest& request,
                                           const std::string& client,
                                           const std::string& server_name);

    // All waits end at once.
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

// `thread` is the caller's. Returns before it is done. Does nothing if no key is known
// (passed-through TLS).
void cancel_query(runtime::ControlThread& thread, std::uint64_t id);

} // namespace pgmoat::session
