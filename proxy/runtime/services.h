// What every session may use: one struct for the process, one for the thread. The server owns them.
#pragma once

#include "metrics/counters.h"
#include "proxy/admin/console/console_endpoint.h"
#include "proxy/io/asio.h"
#include "proxy/io/deadline.h"
#include "proxy/io/executor.h"
#include "proxy/io/loop_lag.h"
#include "proxy/lookups/service.h"
#include "proxy/relay/plane.h"
#include "proxy/runtime/cancel_limits.h"
#include "proxy/runtime/host_roles.h"
#include "proxy/runtime/host_states.h"
#include "proxy/runtime/learnt_roles.h"
#include "proxy/runtime/out_of_service.h"
#include "proxy/runtime/runtime_config.h"
#include "proxy/runtime/server_answers.h"
#include "proxy/telemetry/log.h"
#include "proxy/telemetry/refusal_log.h"
#include "proxy/telemetry/session_table.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <unordered_set>
#include <utility>

namespace pgmoat::access {
class AddressGate;
}

namespace pgmoat::runtime {

struct Services {
    telemetry::SessionTable& table;
    relay::Plane& plane;
    relay::Reporter& reporter;
    metrics::Counters& counters;
    telemetry::Log& log;
    telemetry::LineGate dry_run_lines{};
    CancelLimits cancel_limits{};
    lookups::Service lookups{};
    ServerAnswers server_answers{};
    OutOfService out_of_service{};
    HostStates host_states{};
    HostRoles host_roles{};
    LearntRoles learnt_roles{};
    admin::ServeConsole serve_console = nullptr; // set before the first session
    access::AddressGate* addresses = nullptr;    // the same
};

// The interface to a session for those who end it: a shutdown, a kill.
class Interruptible {
  public:
    virtual ~Interruptible() = default;
    [[nodiscard]] virtual std::uint64_t id() const noexcept = 0; // its SessionRow's
    // The session stops waiting and is reported as usual, with `ended`; only the first call counts.
    virtual void interrupt(const relay::Ended& ended) noexcept = 0;
};

// One control thread: its event loop, its deadlines, and the configuration for new sessions. Only
// this thread uses it; others may only post to `context`.
struct ControlThread {
    ControlThread(Services& shared, std::shared_ptr<const RuntimeConfig> initial)
        : services(shared), setup(std::move(initial)) {}
    ~ControlThread() { executor->close(); }
    ControlThread(const ControlThread&) = delete;
    ControlThread& operator=(const ControlThread&) = delete;

    Services& services;
    std::shared_ptr<const RuntimeConfig> setup;
    std::unordered_set<Interruptible*> sessions; // on this thread, not yet handed over
    // The order matters: the context's destructor destroys coroutines, which still use the members
    // above; the members below need the context.
    asio::io_context context{1};
    io::DeadlineQueue deadlines{context};
    std::shared_ptr<io::Executor> executor =
        std::make_shared<io::Executor>(context); // for any thread
    io::LagMeter lag{context};
};

} // namespace pgmoat::runtime
