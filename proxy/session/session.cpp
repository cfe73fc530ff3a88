#include "proxy/session/session.h"

#include "protocol/messages.h"
#include "proxy/access/client_limits.h"
#include "proxy/access/dry_run.h"
#include "proxy/access/evaluate.h"
#include "proxy/hba/evaluate/connection_slot.h"
#include "proxy/session/cancel_request.h"
#include "proxy/session/close_reason.h"
#include "proxy/session/console_stream.h"
#include "proxy/session/greet.h"
#include "proxy/session/login_relay.h"
#include "proxy/session/passthrough.h"
#include "proxy/session/session_recorder.h"
#include "proxy/telemetry/connection_fields.h"
#include "proxy/upstream/dial.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

namespace pgmoat::session {

namespace {

using metrics::Mode;

telemetry::SessionFacts facts_of(const Accepted& accepted, const config::Listener& listener) {
    telemetry::SessionFacts facts;
    facts.listener = listener.name;
    facts.listener_id = accepted.listener_id;
    facts.mode = runtime::mode_of(listener);
    facts.client_address = accepted.peer.text;
    facts.client_port = accepted.peer.port;
    return facts;
}

// Null: the login may go on.
const protocol::ErrorText* refusal_for(access::ClientLimits::Login login) {
    using Login = access::ClientLimits::Login;
    switch (login) {
    case Login::go: return nullptr;
    case Login::too_many_connections: return &refusal::too_many_connections_from_address;
    case Login::too_many_logins: return &refusal::too_many_logins_from_address;
    case Login::too_many_failures: return &refusal::too_many_failures_from_address;
    }
    return nullptr;
}

class Session final : public runtime::Interruptible {
  public:
    Session(runtime::ControlThread& thread, Accepted accepted)
        : thread_(thread), setup_(std::move(accepted.setup)), listener_index_(accepted.listener),
          listener_(setup_->config.listeners[listener_index_]), peer_(accepted.peer),
          recorder_(thread.services, facts_of(accepted, listener_)),
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
        Stop stop = arrive();
        if (!stop && runtime::mode_of(listener_) == Mode::passthrough)
            stop = co_await pass_through();
        else if (!stop)
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
    // The address is known: it counts from here on.
    Stop arrive() {
        if (!limits_.arrive(hba::net_address_from(peer_.text)))
            return Ended{CloseReason::rate_limited, "too many connections from this address"};
        if (auto place = limits_.place()) recorder_.keep(std::move(place));
        return std::nullopt;
    }

    // --- TLS ends here --------------------------------------------------------------------------

    Awaitable<Stop> terminate() {
        if (Stop stop = co_await greet_client()) co_return stop;
        if (cancel_) co_return co_await forward_cancel(thread_, *setup_, *cancel_);
        if (is_for_console()) co_return co_await serve_console();
        if (Stop stop = co_await admit()) co_return stop;
        if (Stop stop = co_await decide()) co_return stop;
        if (Stop stop = co_await reach()) co_return stop;
        co_return co_await log_in();
    }

    Awaitable<Stop> greet_client() {
        const tls::ServerContext* context = peer_.local ? nullptr : setup_->tls.get();
        auto& counters = thread_.services.counters.block_of_this_thread();
        Greeting greeting = co_await greet(client_, context, counters, limits_);
        recorder_.greeting_ended(greeting);
        if (client_.in_tls()) recorder_.client_in_tls(client_.peer());

        if (auto* ended = std::get_if<Ended>(&greeting.result)) co_return std::move(*ended);
        auto& opening = std::get<Opening>(greeting.result);
        if (auto* cancel = std::get_if<protocol::CancelRequest>(&opening))
            cancel_ = std::move(*cancel);
        else
            take_startup(std::move(std::get<protocol::StartupMessage>(opening)));
        co_return std::nullopt;
    }

    Awaitable<Stop> reach() {
        recorder_.begin(&telemetry::StepTimes::reach);
        dialer_.emplace(thread_, *target_, recorder_.facts().listener_id);
        auto reached = co_await dialer_->log_in(startup_.packet);
        if (reached) {
            take_server(std::move(*reached));
            co_return std::nullopt;
        }
        if (deadline_.passed()) co_return late();
        const bool violation = dialer_->failure() == upstream::Dialer::Failure::protocol_violation;
        co_await tell(violation ? refusal::upstream_protocol_violation
                                : refusal::upstream_unreachable);
        co_return Ended{CloseReason::upstream_failed, "server: " + dialer_->detail()};
    }

    // --- the virtual database -------------------------------------------------------------------

    bool is_for_console() const {
        return config::has_console(setup_->config) &&
               startup_.database == admin::console_database &&
               startup_.replication == protocol::Replication::none;
    }

    static bool names_console(const hba::Rule& rule) {
        return std::ranges::any_of(rule.databases, [](const hba::NameMatch& name) {
            return name.kind == hba::NameMatch::Kind::exact && name.text == admin::console_database;
        });
    }

    // The console has slots of its own beside max_connections, so nobody is admitted here.
    Awaitable<Stop> serve_console() {
        recorder_.begin(&telemetry::StepTimes::decide);
        if (Stop stop = co_await decide()) co_return stop;
        const auto uid =
            peer_.local ? io::peer_uid(client_.socket().native_handle()) : std::nullopt;
        admin::ConsoleLogin login{startup_, id_, std::nullopt, false, uid, client_.in_tls()};
        if (const hba::Rule* rule = decision_.rule) {
            login.method = hba::word_of(rule->method);
            login.rule_names_console = names_console(*rule);
        }
        ConsoleStream stream(client_, recorder_.traffic(), thread_.deadlines, [this] {
            deadline_.disarm();
            recorder_.console_began();
            log_authorized();
        });
        std::optional<admin::ConsoleEnd> end =
            co_await thread_.services.serve_console(stream, login);
        if (!end) co_return stream.stop();
        co_return Ended{end->reason, std::move(end->detail)};
    }

    // --- TLS passes through ---------------------------------------------------------------------

    // The server answers SSLRequest and GSSENCRequest itself, so it is connected to before the
    // decision; nothing else of the client's goes to it before the decision is made. Where rules
    // choose the server, it is not known yet and the answer is ours.
    Awaitable<Stop> pass_through() {
        for (RequestsSeen seen;;) {
            FirstPacket packet = co_await read_first_packet(client_, seen);
            recorder_.packet_came(packet);
            if (auto* ended = std::get_if<Ended>(&packet)) co_return std::move(*ended);
            if (auto* cancel = std::get_if<protocol::CancelRequest>(&packet))
                co_return co_await forward_cancel(thread_, *setup_, *cancel);
            if (std::holds_alternative<DirectTls>(packet)) co_return co_await pass_hellos();
            if (auto* startup = std::get_if<protocol::StartupMessage>(&packet))
                co_return co_await pass_plaintext(std::move(*startup));

            const bool gssenc = std::holds_alternative<protocol::GssEncRequest>(packet);
            const ServerAnswer answer = co_await agree(gssenc);
            if (answer.stop) co_return answer.stop;
            if (answer.answer == 'S') co_return co_await pass_hellos();
            if (answer.answer == 'G') co_return co_await pass_gss();
        }
    }

    Awaitable<ServerAnswer> agree(bool gssenc) {
        if (thread_.setup->access[listener_index_].routes) {
            const char answer = gssenc ? 'N' : 'S';
            server_must_agree_ = !gssenc;
            Stop stop = co_await answer_request(client_, answer, gssenc);
            co_return ServerAnswer{std::move(stop), answer};
        }
        if (Stop stop = co_await connect()) co_return ServerAnswer{std::move(stop)};
        co_return co_await ask_server(client_, *server_, gssenc);
    }

    Awaitable<Stop> connect() {
        if (server_) co_return std::nullopt;
        recorder_.begin(&telemetry::StepTimes::reach);
        if (!target_) target_ = &setup_->upstreams.at(listener_.upstream);
        dialer_.emplace(thread_, *target_, recorder_.facts().listener_id);
        auto reached = co_await dialer_->connect();
        if (!reached) {
            if (deadline_.passed()) co_return late();
            co_return Ended{CloseReason::upstream_failed, "server: " + dialer_->detail()};
        }
        take_server(std::move(*reached));
        recorder_.begin(&telemetry::StepTimes::greet);
        co_return std::nullopt;
    }

    Awaitable<Stop> pass_hellos() {
        sealed_ = true;
        const ReadHello hello = co_await read_client_hello(client_);
        if (hello.stop) {
            recorder_.client_hello_refused();
            co_return hello.stop;
        }
        recorder_.client_hello_came(hello.facts);
        if (Stop stop = co_await admit()) co_return stop;
        if (Stop stop = co_await decide()) co_return stop;
        if (Stop stop = co_await connect()) co_return stop;
        if (server_must_agree_)
            if (Stop stop = co_await request_tls(*server_)) co_return stop;
        recorder_.begin(&telemetry::StepTimes::greet);
        const PassedHello passed = co_await pass_server_hello(client_, *server_, hello);
        if (passed.stop) co_return passed.stop;
        recorder_.server_hello_passed(passed.facts);
        if (Stop stop = co_await judge_server_hello(passed)) co_return stop;
        const io::Result sent = co_await client_.write(passed.flight);
        co_return sent ? Stop() : ended_by(Side::client, sent);
    }

    Awaitable<Stop> pass_gss() {
        sealed_ = true;
        recorder_.in_gss();
        if (Stop stop = co_await admit()) co_return stop;
        co_return co_await decide();
    }

    Awaitable<Stop> pass_plaintext(protocol::StartupMessage startup) {
        take_startup(std::move(startup));
        if (Stop stop = co_await admit()) co_return stop;
        if (Stop stop = co_await decide()) co_return stop;
        if (Stop stop = co_await connect()) co_return stop;
        if (const io::Result sent = co_await server_->write(startup_.packet); !sent)
            co_return ended_by(Side::server, sent);
        co_return co_await log_in();
    }

    // --- steps of both --------------------------------------------------------------------------

    // After the startup packet, as in PostgreSQL: only then can the client be told, and in TLS.
    Awaitable<Stop> admit() {
        recorder_.begin(&telemetry::StepTimes::decide);
        if (!recorder_.admit(static_cast<std::size_t>(setup_->config.max_connections))) {
            co_await tell(refusal::too_many_connections);
            co_return Ended{CloseReason::too_many_connections, "max_connections is reached"};
        }
        const protocol::ErrorText* refused = refusal_for(co_await limits_.begin_login());
        if (refused == nullptr) co_return std::nullopt;
        co_await tell(*refused);
        co_return Ended{CloseReason::rate_limited, std::string(refused->message)};
    }

    // By the rules of now, which may be younger than the setup that the session began with: a
    // reload looks over the sessions that were judged before it, and no other must escape it.
    Awaitable<Stop> decide() {
        judged_by_ = thread_.setup;
        if (const auto& rules = access().rules) {
            recorder_.judged(peer_.local ? io::system_user_of_peer(client_.socket().native_handle())
                                         : "");
            // Named first: g++ 12 destroys what a braced argument of a co_await holds twice.
            const access::RulesToAsk asked{lookup_client_, *rules, access().roles};
            hba::Decision decision = co_await access::evaluate(asked, candidate());
            decision_ = std::move(decision);
            if (deadline_.passed()) co_return late();
            take_connection_slot();
        }
        const bool server_hello_follows =
            sealed_ && recorder_.facts().encryption == telemetry::Encryption::tls &&
            !decision_.refuses();
        if (!server_hello_follows) settle();
        if (decision_.refuses()) co_return co_await refuse(alert::access_denied);
        if (!server_) target_ = &judged_by_->upstreams.at(chosen_upstream());
        co_return std::nullopt;
    }

    // What the server chose is not known before its hello. After an alert there may still come one
    // (a warning), which nobody would look at.
    Awaitable<Stop> judge_server_hello(const PassedHello& passed) {
        const bool demands = decision_.rule && decision_.rule->demands.any();
        if (demands && passed.alert) {
            (void)co_await client_.write(passed.flight);
            co_return Ended{CloseReason::handshake,
                            "server: answered the ClientHello with an alert"};
        }
        decision_ = hba::after_server_hello(std::move(decision_), candidate());
        settle();
        if (!decision_.refuses()) co_return std::nullopt;
        co_return co_await refuse(alert::insufficient_security);
    }

    void take_connection_slot() {
        if (decision_.refuses()) return;
        if (auto slot = hba::take_connection_slot(*decision_.rule))
            recorder_.keep(std::move(slot));
        else
            decision_ = hba::refuse_without_slot(*decision_.rule);
    }

    void settle() {
        if (const auto& rules = access().rules) recorder_.decided(*rules, decision_);
        if (const auto& rules = access().dry_run)
            access::dry_run(thread_,
                            {rules,
                             access().roles,
                             candidate(),
                             decision_.refuses(),
                             chosen_upstream(),
                             listener_.upstream,
                             id_});
    }

    Awaitable<Stop> refuse(std::uint8_t alert) {
        co_await tell({decision_.sqlstate, decision_.message}, alert);
        const std::string why =
            decision_.log_detail.empty() ? "" : " (" + decision_.log_detail + ")";
        co_return Ended{CloseReason::denied, decision_.message + why};
    }

    hba::Candidate candidate() const { return access::candidate_of(recorder_.facts()); }

    const std::string& chosen_upstream() const {
        return decision_.upstream.empty() ? listener_.upstream : decision_.upstream;
    }

    const runtime::Access& access() const { return judged_by_->access[listener_index_]; }

    Awaitable<Stop> log_in() {
        recorder_.begin(&telemetry::StepTimes::login);
        Login login = co_await relay_login(client_, *server_, std::move(first_reply_));
        recorder_.login_ended(login.facts, !login.stop);
        after_ready_ = std::move(login.sent_after_ready);
        client_between_messages_ = login.client_between_messages;
        co_return std::move(login.stop);
    }

    // A client whose TLS is not ours gets an alert; one in GSSAPI's encryption cannot be told
    // anything.
    Awaitable<void> tell(const protocol::ErrorText& text,
                         std::uint8_t alert = alert::access_denied) {
        if (!sealed_)
            (void)co_await client_.write(protocol::encode_fatal(text));
        else if (recorder_.facts().encryption == telemetry::Encryption::tls)
            co_await send_alert(client_, alert);
    }

    void take_startup(protocol::StartupMessage startup) {
        startup_ = std::move(startup);
        recorder_.startup_came(startup_);
    }

    void take_server(upstream::Reached reached) {
        recorder_.server_reached(reached, target_->name);
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
        channel->meter = meter_of_the_rest();
        recorder_.handed_over();
        log_authorized();
        channel->row = recorder_.give_row();
        thread_.services.plane.adopt(std::move(channel));
    }

    void log_authorized() {
        if (!thread_.setup->config.log_connections) return;
        thread_.services.log.write(
            telemetry::Log::Level::log, "connection authorized", describe(id_, recorder_.facts()));
    }

    relay::TrafficMeter meter_of_the_rest() {
        using relay::TrafficMeter;
        const auto content =
            sealed_ ? TrafficMeter::Content::opaque : TrafficMeter::Content::messages;
        TrafficMeter meter(recorder_.traffic(), recorder_.facts().listener_id, content);
        meter.saw(
            metrics::Side::server, after_ready_, thread_.services.counters.block_of_this_thread());
        if (!client_between_messages_) meter.missed(metrics::Side::client, 1);
        return meter;
    }

    // A deadline ends a connection without a word, as PostgreSQL's does.
    void end(Ended ended) {
        handed_over_ = true;
        if (ended.reason == CloseReason::timeout)
            client_.abort();
        else
            client_.close();
        if (server_) server_->close();
        const std::string& sqlstate = recorder_.facts().sqlstate;
        if (ended.reason == CloseReason::denied || sqlstate == "28P01" || sqlstate == "28000")
            limits_.login_failed();
        thread_.services.reporter.report(recorder_.give_row(), ended);
    }

    Ended late() const {
        const std::string what =
            dialer_ ? dialer_->detail() : "the access rules wait for an answer";
        return {CloseReason::timeout, "authentication_timeout expired: " + what};
    }

    void cancel_waits() {
        client_.cancel();
        lookup_client_.cancel();
        limits_.cancel();
        if (dialer_) dialer_->cancel();
        if (server_) server_->cancel();
    }

    runtime::ControlThread& thread_;
    std::shared_ptr<const runtime::RuntimeConfig> setup_;     // the one that the session began with
    std::shared_ptr<const runtime::RuntimeConfig> judged_by_; // the one whose rules decided
    const std::size_t listener_index_;
    const config::Listener& listener_;
    io::PeerAddress peer_;
    SessionRecorder recorder_;
    const std::uint64_t id_ = recorder_.id();
    io::Stream client_;
    std::unique_ptr<io::Stream> server_;
    std::optional<upstream::Dialer> dialer_;
    protocol::StartupMessage startup_;
    std::optional<protocol::CancelRequest> cancel_;
    access::LookupClient lookup_client_{thread_};
    access::ClientLimits limits_{thread_};
    hba::Decision decision_;
    const runtime::UpstreamTarget* target_ = nullptr;
    protocol::Bytes first_reply_;         // of the server to the startup packet
    protocol::Bytes after_ready_;         // of the server, passed on behind ReadyForQuery
    bool client_between_messages_ = true; // what it sent during the login ended with a message
    Stop interrupted_;                    // from outside
    bool handed_over_ = false;            // to the relay plane, or reported
    bool sealed_ = false;                 // the client is in an encryption that ends at the server
    bool server_must_agree_ = false;      // the client was promised TLS before a server was known
    io::Deadline deadline_;               // last: its action uses what stands above
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

void start_session(runtime::ControlThread& thread, Accepted accepted) {
    auto session = std::make_unique<Session>(thread, std::move(accepted));
    asio::co_spawn(thread.context, tell_story(std::move(session)), asio::detached);
}

} // namespace pgmoat::session
