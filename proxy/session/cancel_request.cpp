#include "proxy/session/cancel_request.h"

#include "proxy/session/limits.h"
#include "proxy/upstream/dial.h"

#include <array>
#include <optional>
#include <utility>
#include <vector>

namespace pgmoat::session {

namespace {

struct Target {
    const runtime::UpstreamTarget* upstream;
    const config::UpstreamHost* host;
};

// A slot among the cancels in flight, given back when it leaves scope.
class Slot {
  public:
    explicit Slot(std::atomic<std::size_t>& in_flight)
        : in_flight_(in_flight), taken_(in_flight.fetch_add(1) < cancels_in_flight_max) {}
    ~Slot() { in_flight_.fetch_sub(1); }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    explicit operator bool() const noexcept { return taken_; }

  private:
    std::atomic<std::size_t>& in_flight_;
    bool taken_;
};

std::vector<Target> targets(const runtime::RuntimeConfig& setup,
                            const std::optional<telemetry::BackendLocation>& known) {
    std::vector<Target> found;
    for (const auto& [name, upstream] : setup.upstreams)
        for (const auto& host : upstream.conninfo.hosts)
            if (!known ||
                (known->upstream == name && known->host == host.host && known->port == host.port))
                found.push_back({&upstream, &host});
    return found;
}

Awaitable<bool>
send_to(runtime::ControlThread& thread, Target target, const protocol::Bytes& packet) {
    upstream::Dialer dialer(thread, *target.upstream);
    io::Stream* server = nullptr;
    io::Deadline limit(thread.deadlines, cancel_timeout, [&] {
        dialer.cancel();
        if (server) server->cancel();
    });
    auto reached = co_await dialer.negotiate(*target.host);
    if (!reached) co_return false;
    server = reached->stream.get();
    if (const io::Result sent = co_await server->write(packet); !sent) co_return false;
    std::array<std::uint8_t, 1> nothing;
    (void)co_await server->read_some(nothing);
    server->close();
    co_return true;
}

} // namespace

Awaitable<Ended> forward_cancel(runtime::ControlThread& thread,
                                const runtime::RuntimeConfig& setup,
                                const protocol::CancelRequest& request) {
    using metrics::CancelOutcome;
    runtime::Services& services = thread.services;
    auto& counters = services.counters.block_of_this_thread();
    const Slot slot(services.cancels_in_flight);
    if (!slot) {
        counters.cancel_request(CancelOutcome::rate_limited);
        counters.rate_limited(metrics::Limit::cancel_requests);
        co_return Ended{CloseReason::cancel, "not forwarded: too many cancel requests in flight"};
    }
    const auto known = services.table.find_backend(request.process_id, request.key);
    bool forwarded = false;
    for (const Target& target : targets(setup, known)) {
        const bool sent = co_await send_to(thread, target, request.packet);
        forwarded = forwarded || sent;
    }
    if (!forwarded) {
        counters.cancel_request(CancelOutcome::failed);
        co_return Ended{CloseReason::cancel, "not forwarded: no server could be reached"};
    }
    counters.cancel_request(known ? CancelOutcome::forwarded : CancelOutcome::unknown_key);
    co_return Ended{CloseReason::cancel, known ? "forwarded" : "forwarded, key unknown here"};
}

} // namespace pgmoat::session
