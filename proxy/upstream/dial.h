// Reaches a server of an upstream: its hosts in order, each address, and for each the attempts that
// libpq would make for its sslmode. The startup packet is forwarded unchanged and the server's
// first message awaited, because an error there may mean another attempt or another host (libpq,
// fe-connect.c). Every attempt is a new connection with new TLS state (CVE-2018-10915).
#pragma once

#include "metrics/labels.h"
#include "protocol/bytes.h"
#include "protocol/server_handshake.h"
#include "proxy/io/stream.h"
#include "proxy/runtime/services.h"
#include "proxy/upstream/connect.h"

#include <memory>
#include <optional>
#include <string>

namespace pgmoat::upstream {

// A server that can be talked to.
struct Reached {
    std::unique_ptr<io::Stream> stream;
    const config::UpstreamHost* host = nullptr; // of the setup
    std::string address;                        // "10.0.0.5:5432"
    protocol::Bytes first_reply;                // what it said to the startup packet so far
};

class Dialer {
  public:
    enum class Failure { unreachable, protocol_violation, cancelled };

    // Failed handshakes are counted for `listener`; without one, as for probes, nowhere.
    Dialer(runtime::ControlThread& thread,
           const runtime::UpstreamTarget& target,
           std::optional<metrics::ListenerId> listener = std::nullopt);

    // TCP or unix socket only: in passthrough the client and the server negotiate themselves.
    [[nodiscard]] Awaitable<std::optional<Reached>> connect();
    // TLS as the conninfo says, `startup` sent, the first reply read. Tries every host.
    [[nodiscard]] Awaitable<std::optional<Reached>> log_in(protocol::ByteView startup);
    // TLS as the conninfo says to this one host and nothing sent: for cancel requests and probes.
    [[nodiscard]] Awaitable<std::optional<Reached>> negotiate(const config::UpstreamHost& host);

    // Of the last call that gave nothing.
    [[nodiscard]] Failure failure() const noexcept { return failure_; }
    [[nodiscard]] const std::string& detail() const noexcept { return detail_; }

    // Every wait, now and later, ends as cancelled.
    void cancel();

  private:
    // What one connection is to come to.
    enum class Goal { connected, negotiated, logged_in };
    struct Try {
        const config::UpstreamHost& host;
        const Address& address;
        protocol::SslMode mode; // the conninfo's; disable on a unix socket
        protocol::Attempt how;
        Goal goal;
        protocol::ByteView startup;
        bool more_hosts;
    };
    struct Tried {
        std::optional<Reached> reached;
        protocol::AttemptFailure failure = protocol::AttemptFailure::connect;
    };

    Awaitable<std::optional<Reached>> try_host(const config::UpstreamHost& host,
                                               Goal goal,
                                               protocol::ByteView startup,
                                               bool more_hosts);
    Awaitable<Tried> try_once(const Try& what);
    Awaitable<Tried> on_connected(const Try& what, std::unique_ptr<io::Stream> stream);
    // Nothing: the connection may carry the startup packet.
    Awaitable<std::optional<protocol::AttemptFailure>> handshake(const Try& what,
                                                                 io::Stream& stream);
    Awaitable<std::optional<protocol::AttemptFailure>>
    say_startup(const Try& what, io::Stream& stream, protocol::Bytes& reply);

    protocol::AttemptFailure refused(const Try& what, protocol::FailAttempt failed);
    void count_failed_handshake(const io::Stream& stream, const io::Result& io);
    protocol::AttemptFailure
    broken(const Try& what, const io::Result& io, protocol::AttemptFailure as);
    void note(const std::string& where, const std::string& what);
    void count(metrics::ConnectResult result);

    runtime::ControlThread& thread_;
    const runtime::UpstreamTarget& target_;
    metrics::UpstreamId id_;
    std::optional<metrics::ListenerId> listener_;
    metrics::Block& counters_;
    asio::ip::tcp::resolver resolver_;
    io::Stream* current_ = nullptr; // the connection being tried, for cancel()
    bool cancelled_ = false;
    Failure failure_ = Failure::unreachable;
    std::string detail_;
    io::DeadlineQueue::Clock::time_point began_;
};

} // namespace pgmoat::upstream
