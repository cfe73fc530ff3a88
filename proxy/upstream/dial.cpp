#include "proxy/upstream/dial.h"

#include "protocol/login_observer.h"
#include "protocol/messages.h"
#include "proxy/io/limits.h"
#include "proxy/telemetry/handshake_failure.h"
#include "proxy/telemetry/log_fields.h"
#include "proxy/upstream/limits.h"

#include <cerrno>
#include <system_error>
#include <utility>

namespace pgmoat::upstream {

using namespace protocol;
using metrics::ConnectResult;

namespace {

ConnectResult connect_result(const error_code& error) {
    if (error == boost::system::errc::connection_refused) return ConnectResult::refused;
    if (error == boost::system::errc::timed_out) return ConnectResult::timeout;
    if (error == boost::system::errc::network_unreachable ||
        error == boost::system::errc::host_unreachable)
        return ConnectResult::unreachable;
    return ConnectResult::other;
}

// The error with which a server answered the startup packet, or nothing: it said something else.
std::string sqlstate_of(ByteView reply) {
    LoginObserver observer(false);
    Bytes ignored;
    (void)observer.observe(reply, ignored);
    return observer.facts().error_sqlstate;
}

bool is_whole_message(const Bytes& reply) {
    if (reply.size() < 5) return false;
    const std::uint32_t length = read_uint32(ByteView(reply).subspan(1, 4));
    return reply.size() >= std::size_t{length} + 1;
}

} // namespace

Dialer::Dialer(runtime::ControlThread& thread,
               const runtime::UpstreamTarget& target,
               std::optional<metrics::ListenerId> listener)
    : thread_(thread), target_(target), id_(thread.services.counters.add_upstream(target.name)),
      listener_(listener), counters_(thread.services.counters.block_of_this_thread()),
      resolver_(thread.context) {}

void Dialer::cancel() {
    cancelled_ = true;
    resolver_.cancel();
    if (current_) current_->cancel();
}

Awaitable<std::optional<Reached>> Dialer::connect() {
    for (const auto& host : target_.conninfo.hosts) {
        auto reached = co_await try_host(host, Goal::connected, {}, false);
        if (reached) co_return reached;
    }
    co_return std::nullopt;
}

Awaitable<std::optional<Reached>> Dialer::negotiate(const config::UpstreamHost& host) {
    co_return co_await try_host(host, Goal::negotiated, {}, false);
}

Awaitable<std::optional<Reached>> Dialer::log_in(ByteView startup) {
    const auto& hosts = target_.conninfo.hosts;
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        const bool more_hosts = i + 1 < hosts.size();
        auto reached = co_await try_host(hosts[i], Goal::logged_in, startup, more_hosts);
        if (reached) co_return reached;
    }
    co_return std::nullopt;
}

Awaitable<std::optional<Reached>>
Dialer::try_host(const config::UpstreamHost& host, Goal goal, ByteView startup, bool more_hosts) {
    if (cancelled_) co_return std::nullopt;
    began_ = io::DeadlineQueue::Clock::now();
    auto resolved = co_await resolve(resolver_, host);
    if (const auto* error = std::get_if<std::string>(&resolved)) {
        note(host.host, *error);
        count(ConnectResult::name_not_resolved);
        co_return std::nullopt;
    }
    const auto& conninfo = target_.conninfo;
    for (const auto& address : std::get<std::vector<Address>>(resolved)) {
        // On a unix socket libpq never speaks TLS, so there is nothing to fall back from or to.
        const SslMode mode = host.is_local() ? SslMode::disable : conninfo.sslmode;
        std::optional<Attempt> how = first_attempt(mode, conninfo.sslnegotiation, host.is_local());
        while (how && !cancelled_) {
            const Try what{host, address, mode, *how, goal, startup, more_hosts};
            Tried tried = co_await try_once(what);
            if (tried.reached) co_return std::move(tried.reached);
            const bool tls_was_used = *how != Attempt::plain;
            how = next_attempt(mode, *how, tried.failure, tls_was_used);
        }
    }
    co_return std::nullopt;
}

Awaitable<Dialer::Tried> Dialer::try_once(const Try& what) {
    began_ = io::DeadlineQueue::Clock::now();
    auto stream = open_socket(thread_.context, what.address, target_.conninfo);
    if (!stream) {
        note(what.address.text, std::generic_category().message(errno));
        count(ConnectResult::other);
        co_return Tried{};
    }
    current_ = stream.get();
    std::optional<io::Deadline> limit;
    if (target_.conninfo.connect_timeout.count() > 0)
        limit.emplace(thread_.deadlines, target_.conninfo.connect_timeout, [this] {
            if (current_) current_->cancel();
        });
    Tried tried = co_await on_connected(what, std::move(stream));
    current_ = nullptr;
    co_return tried;
}

Awaitable<Dialer::Tried> Dialer::on_connected(const Try& what, std::unique_ptr<io::Stream> stream) {
    const io::Result connected = co_await stream->connect(what.address.endpoint);
    if (!connected) {
        note(what.address.text, connected.detail);
        count(connected.status == io::Result::Status::timeout ? ConnectResult::timeout
                                                              : connect_result(connected.error));
        co_return Tried{};
    }
    Reached reached{nullptr, &what.host, what.address.text, {}};
    if (what.goal != Goal::connected)
        if (auto failed = co_await handshake(what, *stream)) co_return Tried{std::nullopt, *failed};
    count(ConnectResult::connected);
    if (what.goal == Goal::logged_in)
        if (auto failed = co_await say_startup(what, *stream, reached.first_reply))
            co_return Tried{std::nullopt, *failed};
    reached.stream = std::move(stream);
    co_return Tried{std::move(reached), {}};
}

Awaitable<std::optional<AttemptFailure>> Dialer::handshake(const Try& what, io::Stream& stream) {
    ServerHandshake machine(what.how);
    ServerHandshakeInput input = Begin{};
    Bytes bytes;
    for (;;) {
        const ServerHandshakeAction action = machine.resume(input);
        if (std::holds_alternative<ServerReady>(action)) co_return std::nullopt;
        if (const auto* failed = std::get_if<FailAttempt>(&action)) {
            stream.close();
            co_return refused(what, *failed);
        }
        if (std::holds_alternative<LookForEarlyBytes>(action)) {
            input = EarlyBytes{stream.has_waiting_bytes()};
        } else if (const auto* write = std::get_if<WriteBytes>(&action)) {
            const io::Result io = co_await stream.write(write->bytes);
            if (!io) co_return broken(what, io, AttemptFailure::connect);
            input = Written{};
        } else if (const auto* read = std::get_if<ReadExactly>(&action)) {
            bytes.resize(read->bytes);
            const io::Result io = co_await stream.read_exactly(bytes);
            if (io)
                input = BytesRead{bytes};
            else if (io.status == io::Result::Status::end_of_stream)
                input = EndOfStream{io.bytes};
            else
                co_return broken(what, io, AttemptFailure::connect);
        } else {
            counters_.tls_handshake_began();
            const auto began = io::DeadlineQueue::Clock::now();
            const io::Result io = co_await stream.start_tls(
                std::make_unique<tls::Session>(*target_.tls, what.host.host));
            counters_.tls_handshake_ended();
            if (!io) {
                count_failed_handshake(stream, io);
                co_return broken(what, io, AttemptFailure::tls_handshake);
            }
            counters_.tls_handshake_took(metrics::Side::server,
                                         io::DeadlineQueue::Clock::now() - began);
            input = TlsStarted{stream.peer().alpn == "postgresql"};
        }
    }
}

// libpq falls back or goes on to another host only for an error that answers the startup packet
// itself; any other error is the client's to see, and stands in `reply` for it.
Awaitable<std::optional<AttemptFailure>>
Dialer::say_startup(const Try& what, io::Stream& stream, Bytes& reply) {
    const io::Result sent = co_await stream.write(what.startup);
    if (!sent) co_return broken(what, sent, AttemptFailure::connect);
    Bytes chunk(io::login_read_bytes);
    do {
        const io::Result read = co_await stream.read_some(chunk);
        if (!read) co_return broken(what, read, AttemptFailure::connect);
        reply.insert(
            reply.end(), chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>(read.bytes));
    } while (reply[0] == 'E' && !is_whole_message(reply) && reply.size() < first_error_bytes_max);
    if (reply[0] != 'E') co_return std::nullopt;

    const std::string sqlstate = sqlstate_of(reply);
    const bool another_host = sqlstate == "57P03" && what.more_hosts;
    const bool another_attempt = sqlstate != "57P03" && next_attempt(target_.conninfo.sslmode,
                                                                     what.how,
                                                                     AttemptFailure::server_error,
                                                                     stream.in_tls());
    if (!another_host && !another_attempt) co_return std::nullopt;
    note(what.address.text,
         "the server refused the connection with SQLSTATE " + telemetry::text_field(sqlstate));
    stream.close();
    co_return another_host ? AttemptFailure::server_error_57p03 : AttemptFailure::server_error;
}

AttemptFailure Dialer::refused(const Try& what, FailAttempt failed) {
    using Reason = FailAttempt::Reason;
    note(what.address.text, std::string(failed.log_text));
    switch (failed.reason) {
    case Reason::end_of_stream: count(ConnectResult::closed); return AttemptFailure::connect;
    case Reason::tls_refused: count(ConnectResult::tls_not_offered); return AttemptFailure::connect;
    case Reason::no_alpn: count(ConnectResult::tls_failed); return AttemptFailure::tls_handshake;
    case Reason::bad_answer:
    case Reason::early_bytes: break;
    }
    count(ConnectResult::protocol_violation);
    failure_ = Failure::protocol_violation;
    return AttemptFailure::protocol;
}

void Dialer::count_failed_handshake(const io::Stream& stream, const io::Result& io) {
    if (!listener_ || cancelled_) return;
    const auto failure = io.status == io::Result::Status::timeout
                             ? metrics::HandshakeFailure::timeout
                             : telemetry::to_metric(stream.tls()->failure());
    counters_.tls_handshake_failed(*listener_, metrics::Side::server, failure);
}

AttemptFailure Dialer::broken(const Try& what, const io::Result& io, AttemptFailure as) {
    if (io.status == io::Result::Status::end_of_stream)
        note(what.address.text, "server closed the connection unexpectedly");
    else
        note(what.address.text, io.detail);
    if (io.status == io::Result::Status::timeout)
        count(ConnectResult::timeout);
    else if (as == AttemptFailure::tls_handshake)
        count(ConnectResult::tls_failed);
    else
        count(ConnectResult::closed);
    return io.status == io::Result::Status::timeout ? AttemptFailure::connect : as;
}

void Dialer::note(const std::string& where, const std::string& what) {
    if (cancelled_) failure_ = Failure::cancelled;
    if (!detail_.empty()) detail_ += "; ";
    detail_ += where + ": " + what;
}

void Dialer::count(ConnectResult result) {
    if (result == ConnectResult::connected) failure_ = Failure::unreachable;
    counters_.upstream_connect(id_, result, io::DeadlineQueue::Clock::now() - began_);
}

} // namespace pgmoat::upstream
