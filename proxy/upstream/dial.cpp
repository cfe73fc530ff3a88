#include "proxy/upstream/dial.h"

#include "proxy/io/sockets.h"
#include "proxy/lookups/own_header.h"
#include "proxy/telemetry/handshake_failure.h"
#include "proxy/upstream/address_lookup.h"
#include "proxy/upstream/limits.h"
#include "proxy/upstream/shuffle.h"
#include "tls/session.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace pgmoat::upstream {

namespace {

// Known addresses are filled in; a name is looked up later.
Host host_of(const config::UpstreamHost& configured) {
    Host host{configured.host,
              configured.port,
              configured.is_local(),
              {},
              configured.host.empty() ? configured.hostaddr : configured.host};
    const std::string& text = configured.hostaddr.empty() ? configured.host : configured.hostaddr;
    const auto address = host.local ? lookups::unix_address(text, host.port)
                                    : lookups::numeric_address(text, host.port);
    if (address) host.addresses.push_back(*address);
    return host;
}

// An explicit connect_timeout=0 means what it means in libpq: for ever.
Clock::duration patience_of(const config::Conninfo& conninfo) {
    const bool given = std::ranges::any_of(
        conninfo.given, [](const auto& pair) { return pair.keyword == "connect_timeout"; });
    return given ? Clock::duration::zero() : Clock::duration(patience);
}

// Asks whether the host that is tried still has its role; `lost` is called once, if not.
class RoleWatch {
  public:
    RoleWatch(io::DeadlineQueue& deadlines,
              const Reach& reach,
              Dialer::HasRole has_role,
              std::function<void()> lost)
        : deadlines_(deadlines), reach_(reach), has_role_(std::move(has_role)),
          lost_(std::move(lost)) {
        if (has_role_) look_later();
    }
    RoleWatch(const RoleWatch&) = delete;
    RoleWatch& operator=(const RoleWatch&) = delete;

  private:
    void look_later() {
        next_.emplace(deadlines_, role_poll, [this] {
            if (!has_role_(reach_.host())) return lost_();
            look_later();
        });
    }

    io::DeadlineQueue& deadlines_;
    const Reach& reach_;
    Dialer::HasRole has_role_;
    std::function<void()> lost_;
    std::optional<io::Deadline> next_;
};

io::TcpSettings tcp_settings(const config::Conninfo& conninfo) {
    return {conninfo.keepalives,
            conninfo.keepalives_idle,
            conninfo.keepalives_interval,
            conninfo.keepalives_count,
            conninfo.tcp_user_timeout_ms};
}

} // namespace

Plan plan_for(const runtime::UpstreamTarget& target) {
    Plan plan;
    for (const auto& host : target.conninfo.hosts)
        plan.hosts.push_back(host_of(host));
    plan.sslmode = target.conninfo.sslmode;
    plan.sslnegotiation = target.conninfo.sslnegotiation;
    plan.connect_timeout = target.conninfo.connect_timeout;
    plan.patience = patience_of(target.conninfo);
    return plan;
}

Plan plan_for(const ServerRoute& route) {
    Plan plan = plan_for(*route.target);
    plan.hosts = {route.host};
    plan.hosts.front().addresses = {route.address};
    return plan;
}

void leave_out(Plan& plan, const std::string& upstream, const runtime::OutOfService& out) {
    if (!out.any()) return;
    std::erase_if(plan.hosts, [&](const Host& host) {
        return out.has_server(upstream, host.configured, host.port);
    });
}

Dialer::Dialer(runtime::ControlThread& thread, std::optional<metrics::ListenerId> listener)
    : thread_(thread), listener_(listener),
      counters_(thread.services.counters.block_of_this_thread()), arrival_(thread) {}

void Dialer::interrupt() {
    arrival_.interrupt();
    stop_waiting();
}

Awaitable<bool> Dialer::pause(std::chrono::milliseconds time) {
    if (arrival_.interrupted()) co_return false;
    co_await arrival_.wait(Clock::now() + time);
    co_return !arrival_.interrupted();
}

void Dialer::stop_waiting() {
    if (addresses_) addresses_->interrupt();
    if (stream_) stream_->interrupt();
}

void Dialer::lose_role() {
    role_lost_ = true;
    stop_waiting();
}

Awaitable<Dialer::Outcome>
Dialer::reach(std::shared_ptr<const runtime::UpstreamTarget> target, Plan plan, HasRole has_role) {
    target_ = std::move(target);
    Reach machine(std::move(plan));
    plan_ = &machine.plan();
    role_lost_ = false;
    const RoleWatch watch(thread_.deadlines, machine, std::move(has_role), [this] { lose_role(); });
    Step step = machine.resume(Clock::now(), Begin{});
    for (;;) {
        count(machine);
        note_answer(step);
        if (auto* reached = std::get_if<Reached>(&step.action)) {
            limit_.reset();
            co_return server(std::move(*reached), machine);
        }
        if (auto* gave_up = std::get_if<GiveUp>(&step.action)) {
            limit_.reset();
            if (stream_) stream_->close();
            co_return std::move(*gave_up);
        }
        const Result result = co_await perform(step);
        if (arrival_.interrupted()) {
            limit_.reset();
            co_return GiveUp{GiveUp::Why::unreachable, machine.detail()};
        }
        step = machine.resume(Clock::now(), result);
    }
}

Dialer::Outcome Dialer::server(Reached reached, const Reach& reach) {
    auto route = std::make_shared<ServerRoute>(
        ServerRoute{target_, reach.plan().hosts[reached.host], reached.address});
    route->host.addresses = {}; // not clear(): that would keep their memory as long as the session
    return Server{std::move(stream_), std::move(route), std::move(reached.answer), reached.host};
}

// Any answer to a request for encryption updates what the next clients are told.
void Dialer::note_answer(const Step& step) {
    if (plan_->negotiation != Negotiation::client_tls &&
        plan_->negotiation != Negotiation::client_gss)
        return;
    const auto* gave_up = std::get_if<GiveUp>(&step.action);
    const bool no = gave_up && gave_up->why == GiveUp::Why::not_offered;
    const bool yes = std::holds_alternative<Reached>(step.action);
    if (!yes && !no) return;
    const auto request = plan_->negotiation == Negotiation::client_tls
                             ? runtime::EncryptionRequest::ssl
                             : runtime::EncryptionRequest::gssenc;
    thread_.services.server_answers.note(target_->name, request, yes);
}

// If the limit is that of the previous step, its timer keeps running.
void Dialer::limit(Clock::time_point until) {
    if (until == limited_until_ && limit_) return;
    limit_.reset();
    timed_out_ = false;
    limited_until_ = until;
    if (until == Clock::time_point::max()) return;
    limit_.emplace(
        thread_.deadlines, std::max(until - Clock::now(), Clock::duration::zero()), [this] {
            timed_out_ = true;
            stop_waiting();
        });
}

Awaitable<Result> Dialer::perform(const Step& step) {
    limit(step.until);
    if (timed_out_ || arrival_.interrupted()) co_return TimedOut{};
    // Not std::visit: g++ 12 mishandles the captures of a lambda that is a coroutine.
    const Action& action = step.action;
    Result result = TimedOut{};
    if (const auto* name = std::get_if<LookUp>(&action))
        result = co_await look_up(plan_->hosts[name->host], step.until);
    else if (const auto* one = std::get_if<Connect>(&action))
        result = co_await connect(one->address);
    else if (const auto* tls = std::get_if<StartTls>(&action))
        result = co_await start_tls(plan_->hosts[tls->host]);
    else if (const auto* bytes = std::get_if<WriteBytes>(&action))
        result = co_await write(bytes->bytes);
    else if (std::holds_alternative<SendOpening>(action))
        result = co_await write(plan_->opening);
    else if (const auto* read = std::get_if<ReadExactly>(&action))
        result = co_await read_exactly(read->bytes);
    else if (std::holds_alternative<ReadAnswer>(action))
        result = co_await read_answer();
    else
        result = EarlyBytes{stream_->has_waiting_bytes()};
    if (role_lost_) co_return RoleLost{};
    if (timed_out_) co_return TimedOut{};
    co_return result;
}

// --- the steps -----------------------------------------------------------------------------------

Awaitable<Result> Dialer::look_up(const Host& host, Clock::time_point until) {
    if (host.local)
        co_return NoAddresses{"Unix-domain socket path \"" + host.name + "/.s.PGSQL." +
                              std::to_string(host.port) + "\" is too long"};
    addresses_.emplace(thread_);
    std::optional<lookups::HostAddresses> answer =
        co_await look_up_addresses(thread_, *addresses_, host.name, until);
    if (!answer) co_return TimedOut{};
    if (answer->found.empty()) co_return NoAddresses{std::move(answer->error)};
    if (target_->conninfo.balance_hosts) shuffle(answer->found);
    for (auto& address : answer->found)
        address = with_port(address, host.port);
    co_return Addresses{std::move(answer->found)};
}

Awaitable<Result> Dialer::connect(const lookups::SocketAddress& address) {
    if (stream_) stream_->close();
    stream_.reset();
    const int family = address.family();
    Descriptor socket(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) co_return NotConnected{errno};
    io::apply_tcp_settings(socket.get(), family, tcp_settings(target_->conninfo));
    stream_ = std::make_unique<io::Stream>(thread_.context);
    if (const int error = stream_->open(std::move(socket), family)) co_return NotConnected{error};
    const io::Result io = co_await stream_->connect(address.get(), address.size);
    if (io && header_.empty()) header_ = lookups::own_header(target_->conninfo.proxy_protocol);
    if (io && !header_.empty())
        if (const io::Result sent = co_await stream_->write(header_); !sent)
            co_return NotConnected{sent.error ? sent.error.value() : ECONNRESET};
    if (io) co_return Connected{};
    co_return NotConnected{io.error ? io.error.value() : ETIMEDOUT};
}

Awaitable<Result> Dialer::start_tls(const Host& host) {
    counters_.tls_handshake_began();
    const auto began = Clock::now();
    const io::Result io =
        co_await stream_->start_tls(std::make_unique<tls::Session>(*target_->tls, host.name));
    counters_.tls_handshake_ended();
    if (io) {
        counters_.tls_handshake_took(metrics::Side::server, Clock::now() - began);
        if (const auto& shown = stream_->peer().certificate)
            thread_.services.host_states.note_certificate(name_of(host), shown->not_after);
        co_return TlsStarted{stream_->peer().alpn == "postgresql"};
    }
    if (listener_ && !arrival_.interrupted() && !role_lost_) {
        const auto failure = timed_out_ ? metrics::HandshakeFailure::timeout
                                        : telemetry::to_metric(stream_->tls()->failure());
        counters_.tls_handshake_failed(*listener_, metrics::Side::server, failure);
    }
    co_return TlsFailed{io.detail.empty() ? "server closed the connection unexpectedly"
                                          : io.detail};
}

Awaitable<Result> Dialer::write(protocol::ByteView bytes) {
    const io::Result io = co_await stream_->write(bytes);
    if (io) co_return Written{};
    co_return failed(io);
}

// Reads one byte more to find out whether there is any, as libpq looks into its buffer.
Awaitable<Result> Dialer::read_exactly(std::size_t bytes) {
    bytes_.resize(bytes);
    std::uint8_t first = 0;
    if (const io::Result io = co_await stream_->peek_byte(first, bytes + 1); !io)
        co_return read_failed(io);
    const io::Result io = co_await stream_->read_exactly(bytes_);
    if (io) co_return BytesRead{bytes_};
    co_return read_failed(io);
}

Awaitable<Result> Dialer::read_answer() {
    bytes_.resize(answer_read_bytes);
    const io::Result io = co_await stream_->read_some(bytes_);
    if (io) co_return Received{protocol::ByteView(bytes_).first(io.bytes)};
    co_return read_failed(io);
}

Result Dialer::read_failed(const io::Result& io) const {
    if (io.status == Status::end_of_stream || io.status == Status::truncated)
        return EndOfStream{io.bytes};
    return failed(io);
}

Result Dialer::failed(const io::Result& io) const {
    return Broken{io.detail.empty() ? "server closed the connection unexpectedly" : io.detail};
}

// --- metrics -------------------------------------------------------------------------------------

void Dialer::count(Reach& reach) {
    for (const Attempted& attempt : reach.take_attempts()) {
        counters_.upstream_connect(
            thread_.services.counters.add_upstream(target_->name), attempt.result, attempt.took);
        const runtime::HostName name = name_of(plan_->hosts[attempt.host]);
        if (attempt.result == metrics::ConnectResult::connected)
            thread_.services.host_states.note_reached(name, attempt.address);
        else
            thread_.services.host_states.note_failed(name, attempt.address, attempt.failure);
    }
}

runtime::HostName Dialer::name_of(const Host& host) const {
    return {target_->name, host.configured, host.port};
}

} // namespace pgmoat::upstream
