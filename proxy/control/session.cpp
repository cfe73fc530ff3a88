#include "proxy/control/session.h"

#include "protocol/messages.h"
#include "proxy/control/cancel.h"
#include "proxy/control/dial.h"
#include "proxy/control/greet.h"
#include "proxy/control/login.h"
#include "proxy/control/outcome.h"
#include "proxy/control/passthrough.h"
#include "proxy/control/record.h"
#include "proxy/control/refusal.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <exception>
#include <string>
#include <utility>

namespace pgmoat::control {

namespace {

using metrics::Mode;

SessionFacts facts_of(const Accepted& accepted, const config::Listener& listener) {
    SessionFacts facts;
    facts.listener = listener.name;
    facts.listener_id = accepted.listener_id;
    facts.mode = mode_of(listener);
    facts.client_address = accepted.peer.text;
    facts.client_port = accepted.peer.port;
    return facts;
}

class Session final : public Interruptible {
  public:
    Session(ControlThread& thread, Accepted accepted)
        : thread_(thread), setup_(std::move(accepted.setup)),
          listener_(setup_->config.listeners[accepted.listener]), peer_(accepted.peer),
          record_(thread.services, facts_of(accepted, listener_)),
          client_(thread.context, std::move(accepted.socket), accepted.family),
          deadline_(
              thread.deadlines, setup_->config.authentication_timeout, [this] { cancel_waits(); }) {
        thread_.sessions.insert(this);
    }
    ~Session() override { thread_.sessions.erase(this); }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // The story. A step that stops it says how the connection ends; else the next step follows.
    Awaitable<void> run() {
        // Not as `?:`: g++ 12 destroys what one of two co_awaits in a conditional gave twice.
        Stop stop;
        if (mode_of(listener_) == Mode::passthrough)
            stop = co_await pass_through();
        else
            stop = co_await terminate();
        if (interrupted_) stop = interrupted_;
        if (stop)
            end(std::move(*stop));
        else
            hand_over();
    }

    // The net under the story: an exception that nobody foresaw ends this session alone.
    void fail(const std::string& what) {
        if (!handed_over_) end({CloseReason::internal, what});
    }

    std::uint64_t id() const noexcept override { return id_; }
    void interrupt(const Ended& ended) override {
        if (!interrupted_) interrupted_ = ended;
        cancel_waits();
    }

  private:
    // --- TLS ends here --------------------------------------------------------------------------

    Awaitable<Stop> terminate() {
        if (Stop stop = co_await greet_client()) co_return stop;
        if (cancel_) co_return co_await forward_cancel(thread_, *setup_, *cancel_);
        if (Stop stop = co_await admit()) co_return stop;
        if (Stop stop = co_await decide()) co_return stop;
        if (Stop stop = co_await reach()) co_return stop;
        co_return co_await log_in();
    }

    Awaitable<Stop> greet_client() {
        const tls::ServerContext* context = peer_.local ? nullptr : setup_->tls.get();
        auto& counters = thread_.services.counters.block_of_this_thread();
        Greeting greeting = co_await greet(client_, context, counters);
        record_.greeting_ended(greeting);
        if (client_.in_tls()) record_.client_in_tls(client_.peer());

        if (auto* ended = std::get_if<Ended>(&greeting.result)) co_return std::move(*ended);
        auto& opening = std::get<Opening>(greeting.result);
        if (auto* cancel = std::get_if<protocol::CancelRequest>(&opening))
            cancel_ = std::move(*cancel);
        else
            take_startup(std::move(std::get<protocol::StartupMessage>(opening)));
        co_return std::nullopt;
    }

    Awaitable<Stop> reach() {
        dialer_.emplace(thread_, *target_);
        auto reached = co_await dialer_->log_in(startup_.packet);
        if (reached) {
            take_server(std::move(*reached));
            co_return std::nullopt;
        }
        if (deadline_.passed()) co_return late();
        const bool nonsense = dialer_->failure() == Dialer::Failure::nonsense;
        co_await tell(nonsense ? refusal::upstream_nonsense : refusal::upstream_unreachable);
        co_return Ended{CloseReason::upstream_failed, "server: " + dialer_->detail()};
    }

    // --- TLS passes through ---------------------------------------------------------------------

    // The server answers SSLRequest and GSSENCRequest itself, so it is connected to before the
    // decision; nothing else of the client's goes to it before the decision is made.
    Awaitable<Stop> pass_through() {
        for (RequestsSeen seen;;) {
            FirstPacket packet = co_await read_first_packet(client_, seen);
            record_.packet_came(packet);
            if (auto* ended = std::get_if<Ended>(&packet)) co_return std::move(*ended);
            if (auto* cancel = std::get_if<protocol::CancelRequest>(&packet))
                co_return co_await forward_cancel(thread_, *setup_, *cancel);
            if (Stop stop = co_await connect()) co_return stop;
            if (std::holds_alternative<DirectTls>(packet)) co_return co_await pass_hellos();
            if (auto* startup = std::get_if<protocol::StartupMessage>(&packet))
                co_return co_await pass_plaintext(std::move(*startup));

            const bool gssenc = std::holds_alternative<protocol::GssEncRequest>(packet);
            const ServerAnswer answer = co_await ask_server(client_, *server_, gssenc);
            if (answer.stop) co_return answer.stop;
            if (answer.answer == 'S') co_return co_await pass_hellos();
            if (answer.answer == 'G') co_return co_await pass_gss();
        }
    }

    Awaitable<Stop> connect() {
        if (server_) co_return std::nullopt;
        target_ = &setup_->upstreams.at(listener_.upstream);
        dialer_.emplace(thread_, *target_);
        auto reached = co_await dialer_->connect();
        if (!reached) {
            if (deadline_.passed()) co_return late();
            co_return Ended{CloseReason::upstream_failed, "server: " + dialer_->detail()};
        }
        take_server(std::move(*reached));
        co_return std::nullopt;
    }

    Awaitable<Stop> pass_hellos() {
        sealed_ = true;
        const ReadHello hello = co_await read_client_hello(client_);
        if (hello.stop) {
            record_.client_hello_refused();
            co_return hello.stop;
        }
        record_.client_hello_came(hello.facts);
        if (Stop stop = co_await admit()) co_return stop;
        if (Stop stop = co_await decide()) co_return stop;
        const PassedHello passed = co_await pass_server_hello(client_, *server_, hello.bytes);
        if (!passed.stop) record_.server_hello_passed(passed.facts);
        co_return passed.stop;
    }

    Awaitable<Stop> pass_gss() {
        sealed_ = true;
        if (Stop stop = co_await admit()) co_return stop;
        co_return co_await decide();
    }

    Awaitable<Stop> pass_plaintext(protocol::StartupMessage startup) {
        take_startup(std::move(startup));
        if (Stop stop = co_await admit()) co_return stop;
        if (Stop stop = co_await decide()) co_return stop;
        if (const Io sent = co_await server_->write(startup_.packet); !sent)
            co_return ended_by(Side::server, sent);
        co_return co_await log_in();
    }

    // --- steps of both --------------------------------------------------------------------------

    // After the startup packet, as in PostgreSQL: only then can the client be told, and in TLS.
    Awaitable<Stop> admit() {
        if (record_.admit(static_cast<std::size_t>(setup_->config.max_connections)))
            co_return std::nullopt;
        co_await tell(refusal::too_many_connections);
        co_return Ended{CloseReason::too_many_connections, "max_connections is reached"};
    }

    Awaitable<Stop> decide() {
        const TlsFacts& tls = record_.facts().client_tls;
        const policy::Candidate candidate{peer_.text,
                                          client_.in_tls() || sealed_,
                                          mode_of(listener_) == Mode::passthrough,
                                          tls.version,
                                          tls.server_name,
                                          startup_.user,
                                          startup_.database,
                                          startup_.replication};
        const policy::Decision decision = setup_->policy.decide(candidate, listener_.upstream);
        if (const auto* deny = std::get_if<policy::Deny>(&decision)) {
            co_await tell({"28000", deny->message});
            co_return Ended{CloseReason::denied, deny->message};
        }
        if (!target_) target_ = &setup_->upstreams.at(std::get<policy::Allow>(decision).upstream);
        co_return std::nullopt;
    }

    Awaitable<Stop> log_in() {
        Login login = co_await relay_login(client_, *server_, std::move(first_reply_));
        record_.login_ended(login.facts, !login.stop);
        co_return std::move(login.stop);
    }

    // A client in an encryption that is not ours cannot be told anything.
    Awaitable<void> tell(const protocol::ErrorText& text) {
        if (!sealed_) (void)co_await client_.write(protocol::encode_fatal(text));
    }

    void take_startup(protocol::StartupMessage startup) {
        startup_ = std::move(startup);
        record_.startup_came(startup_);
    }

    void take_server(Reached reached) {
        record_.server_reached(reached, target_->name);
        server_ = std::move(reached.stream);
        first_reply_ = std::move(reached.first_reply);
    }

    // --- the end --------------------------------------------------------------------------------

    void hand_over() {
        handed_over_ = true;
        auto channel = std::make_unique<relay::Channel>();
        channel->client = client_.release();
        channel->server = server_->release();
        channel->id = id_;
        channel->row = record_.give_row();
        thread_.services.plane.adopt(std::move(channel));
    }

    // A deadline ends a connection without a word, as PostgreSQL's does.
    void end(Ended ended) {
        handed_over_ = true;
        if (ended.reason == CloseReason::timeout)
            client_.abort();
        else
            client_.close();
        if (server_) server_->close();
        thread_.services.reporter.report(record_.give_row(), ended);
    }

    Ended late() const {
        return {CloseReason::timeout, "authentication_timeout expired: " + dialer_->detail()};
    }

    void cancel_waits() {
        client_.cancel();
        if (dialer_) dialer_->cancel();
        if (server_) server_->cancel();
    }

    ControlThread& thread_;
    std::shared_ptr<const Setup> setup_; // the one that the session began with
    const config::Listener& listener_;
    PeerAddress peer_;
    Record record_;
    const std::uint64_t id_ = record_.id();
    Stream client_;
    std::unique_ptr<Stream> server_;
    std::optional<Dialer> dialer_;
    protocol::StartupMessage startup_;
    std::optional<protocol::CancelRequest> cancel_;
    const UpstreamTarget* target_ = nullptr;
    protocol::Bytes first_reply_; // of the server to the startup packet
    Stop interrupted_;            // from outside
    bool handed_over_ = false;    // to the relay plane, or reported
    bool sealed_ = false;         // the client is in an encryption that ends at the server
    Deadline deadline_;           // last: its action uses what stands above
};

// A plain function, not a lambda, owns the session: the coroutine frame keeps its parameters.
Awaitable<void> tell_story(std::unique_ptr<Session> session) {
    std::string failure;
    try {
        co_await session->run();
    } catch (const std::exception& error) {
        failure = error.what();
    }
    if (!failure.empty()) session->fail(failure);
}

} // namespace

void start_session(ControlThread& thread, Accepted accepted) {
    auto session = std::make_unique<Session>(thread, std::move(accepted));
    asio::co_spawn(thread.context, tell_story(std::move(session)), asio::detached);
}

} // namespace pgmoat::control
