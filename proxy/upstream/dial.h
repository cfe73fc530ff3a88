// Reaches a server of an upstream: performs the actions of the machine in reach.h on real sockets.
#pragma once

#include "metrics/labels.h"
#include "proxy/io/stream.h"
#include "proxy/lookups/addresses.h"
#include "proxy/runtime/arrival.h"
#include "proxy/runtime/services.h"
#include "proxy/upstream/reach.h"

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace pgmoat::upstream {

// The address of one server and how to connect to it. A session's row keeps it, so that a cancel
// request goes to the very address of the session, even if names or the configuration have changed.
struct ServerRoute {
    std::shared_ptr<const runtime::UpstreamTarget> target;
    Host host;
    lookups::SocketAddress address;
};

// A connected server.
struct Server {
    std::unique_ptr<io::Stream> stream;
    std::shared_ptr<const ServerRoute> route;
    protocol::Bytes answer; // to Plan::opening: must be sent to the client next
    std::size_t host = 0;   // of the plan
};

// What the connection string of `target` determines; the caller sets the rest.
[[nodiscard]] Plan plan_for(const runtime::UpstreamTarget& target);
// The same for the single address of a route.
[[nodiscard]] Plan plan_for(const ServerRoute& route);
// Removes hosts that are out of service. The plan may then be empty, and must not be used.
void leave_out(Plan& plan, const std::string& upstream, const runtime::OutOfService& out);

class Dialer {
  public:
    // Failed handshakes are counted for `listener`; without one, as for probes, they are not
    // counted.
    explicit Dialer(runtime::ControlThread& thread,
                    std::optional<metrics::ListenerId> listener = std::nullopt);
    Dialer(const Dialer&) = delete;
    Dialer& operator=(const Dialer&) = delete;

    // The PROXY protocol header of this connection. Without one, a server that expects a header
    // gets one that marks the connection as our own.
    void send_first(protocol::Bytes header) { header_ = std::move(header); }

    using Outcome = std::variant<Server, GiveUp>;
    // Whether a host still has the role that it was chosen for. Asked every role_poll while the host
    // is tried, whatever is waited for; where it has not, reach() gives up.
    using HasRole = std::function<bool(const Host&)>;
    [[nodiscard]] Awaitable<Outcome>
    reach(std::shared_ptr<const runtime::UpstreamTarget> target, Plan plan, HasRole has_role = {});

    // Waits for this time. False: interrupted.
    [[nodiscard]] Awaitable<bool> pause(std::chrono::milliseconds time);

    // All waits, current and future ones, end at once; reach() fails.
    void interrupt();

  private:
    using Status = io::Result::Status;

    Awaitable<Result> perform(const Step& step);
    Awaitable<Result> look_up(const Host& host, Clock::time_point until);
    Awaitable<Result> connect(const lookups::SocketAddress& address);
    Awaitable<Result> start_tls(const Host& host);
    Awaitable<Result> write(protocol::ByteView bytes);
    Awaitable<Result> read_exactly(std::size_t bytes);
    Awaitable<Result> read_answer();
    Result read_failed(const io::Result& io) const;
    Result failed(const io::Result& io) const;

    void limit(Clock::time_point until);
    void stop_waiting();
    void lose_role();
    void count(Reach& reach);
    runtime::HostName name_of(const Host& host) const;
    void note_answer(const Step& step);
    Outcome server(Reached reached, const Reach& reach);

    runtime::ControlThread& thread_;
    std::optional<metrics::ListenerId> listener_;
    metrics::Block& counters_;
    std::shared_ptr<const runtime::UpstreamTarget> target_;
    const Plan* plan_ = nullptr; // of the machine that is running
    std::unique_ptr<io::Stream> stream_;
    protocol::Bytes header_;                    // of the PROXY protocol; empty: not wanted
    protocol::Bytes bytes_;                     // referred to by a result
    runtime::Arrival arrival_;                  // of the end of a pause, or of all
    std::optional<runtime::Arrival> addresses_; // of the answer to a look-up
    std::optional<io::Deadline> limit_;
    Clock::time_point limited_until_ = Clock::time_point::max();
    bool timed_out_ = false;
    bool role_lost_ = false;
};

} // namespace pgmoat::upstream
