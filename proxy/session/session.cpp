#include "proxy/session/session.h"

#include "protocol/messages.h"
#include "proxy/access/client_limits.h"
#include "proxy/access/recheck_sessions.h"
#include "proxy/io/peer_watch.h"
#include "proxy/relay/farewell.h"
#include "proxy/session/access_check.h"
#include "proxy/session/authentication.h"
#include "proxy/session/begin_record.h"
#include "proxy/session/cancel_request.h"
#include "proxy/session/client_facts.h"
#include "proxy/session/close_reason.h"
#include "proxy/session/console_stream.h"
#include "proxy/session/find_server.h"
#include "proxy/session/greet.h"
#include "proxy/session/learn_client.h"
#include "proxy/session/login_clock.h"
#include "proxy/session/login_relay.h"
#include "proxy/session/passthrough.h"
#include "proxy/session/proxy_hop.h"
#include "proxy/session/session_recorder.h"
#include "proxy/telemetry/connection_fields.h"
#include "proxy/upstream/dial.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include <exception>
#include <new>
#include <string>
#include <utility>

namespace pgmoat::session {

namespace {

using metrics::Mode;
using upstream::Negotiation;

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
    Session(runtime::ControlThread& thread, Accepted accepted, SessionRecorder recorder)
        : thread_(thread), setup_(std::move(accepted.setup)), listener_index_(accepted.listener),
          listener_(setup_->config.listeners[listener_index_]), listener_id_(accepted.listener_id),
          peer_(std::move(accepted.peer)), facts_(recorder.facts()), recorder_(std::move(recorder)),
          socket_(std::move(accepted.socket)), family_(accepted.family), client_(thread.context),
          clock_(thread.deadlines,
                 setup_->config.authentication_timeout,
                 setup_->config.server_login_timeout,
                 [this](Side side) { time_is_up(side); }) {
        thread_.sessions.insert(this);
    }
    // Whatever destroys a session, its end is reported once (law 10).
    ~Session() override {
        thread_.sessions.erase(this);
        if (!recorder_.has_row()) return;
        try {
            end(interrupted_ ? *interrupted_ : Ended{CloseReason::internal, "abandoned"});
        } catch (const std::exception&) { // then the row goes without a word
        }
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // The story. A step that stops it says how the connection ends; else the next step follows.
    Awaitable<void> run() {
        Stop stop = open();
        // Not as `?:`: g++ 12 destroys what one of two co_awaits in a conditional gave twice.
        if (!stop) stop = co_await arrive();
        if (stop) co_return end(std::move(*stop));
        if (runtime::mode_of(listener_) == Mode::passthrough)
            stop = co_await pass_through();
        else
            stop = co_await terminate();
        clock_.stop();
        if (!stop) stop = co_await recheck();
        if (interrupted_) stop = interrupted_;
        if (stop)
            end(std::move(*stop));
        else
            hand_over();
    }

    // The net under the story: an exception that nobody foresaw ends this session alone.
    void fail(const std::string& what) {
        if (recorder_.has_row()) end({CloseReason::internal, what.empty() ? "exception" : what});
    }

    std::uint64_t id() const noexcept override { return id_; }
    void interrupt(const Ended& ended) noexcept override {
        if (!interrupted_) {
            try {
                interrupted_ = ended;
            } catch (const std::bad_alloc&) { // the reason counts more than its words
                interrupted_.emplace(Ended{ended.reason, {}});
            }
        }
        cancel_waits();
    }

  private:
    // The address is known: it counts from here on. A trusted proxy that names no client has no limit.
    Awaitable<Stop> arrive() {
        hba::NetAddress counted = hba::net_address_from(peer_.text);
        if (listener_.proxy_protocol) {
            if (Stop stop = co_await meet_proxy()) co_return stop;
            const bool named = facts_.proxied->has_address();
            counted = named ? hba::net_address_from(peer_.text) : hba::NetAddress{};
        }
        if (!limits_.arrive(counted))
            co_return Ended{CloseReason::rate_limited, "too many connections from this address"};
        if (auto place = limits_.place()) recorder_.keep(std::move(place));
        co_return std::nullopt;
    }

    // Never guessed: on such a listener a connection without a header is refused, and so is a peer
    // that may not send one.
    Awaitable<Stop> meet_proxy() {
        if (!is_trusted(listener_, peer_))
            co_return Ended{CloseReason::denied,
                            "the address is not among the trusted proxies of this listener"};
        ArrivedHeader arrived = co_await read_proxy_header(client_);
        if (auto* ended = std::get_if<Ended>(&arrived)) {
            recorder_.proxy_header_missed(*ended);
            co_return std::move(*ended);
        }
        peer_ =
            learn_proxy_header(facts_, std::get<protocol::ProxyHeader>(std::move(arrived)), peer_);
        recorder_.client_named_by_proxy(facts_, peer_.port);
        co_return std::nullopt;
    }

    // What goes before the first byte to the server, if it wants to know.
    protocol::Bytes header_for_server() {
        const auto local = io::local_address(client_.socket().native_handle());
        const Hop hop{facts_, peer_.port, facts_.proxied.get(), local, id_};
        return session::header_for_server(target_->conninfo.proxy_protocol, hop);
    }

    // The startup packet as the server gets it; a stop when it has no room for the facts.
    Awaitable<Stop> add_facts(upstream::Plan& plan) {
        auto packet =
            packet_with_facts(target_->conninfo.client_facts, startup_, {facts_, peer_.port, id_});
        if (packet) {
            plan.opening = std::move(*packet);
            co_return std::nullopt;
        }
        co_await tell(refusal::startup_too_long);
        co_return Ended{CloseReason::startup,
                        "client: the startup packet is too long for client_facts"};
    }

    // Out of memory or of epoll watches.
    Stop open() {
        const int error = client_.open(std::move(socket_), family_);
        if (error == 0) return std::nullopt;
        return Ended{CloseReason::accept_error,
                     "could not watch the socket: " + std::generic_category().message(error)};
    }

    // --- TLS ends here --------------------------------------------------------------------------

    Awaitable<Stop> terminate() {
        if (Stop stop = co_await greet_client()) co_return stop;
        if (cancel_) co_return co_await forward(*cancel_);
        if (is_for_console()) co_return co_await serve_console();
        if (Stop stop = co_await admit()) co_return stop;
        if (Stop stop = co_await decide()) co_return stop;
        upstream::Plan plan = upstream::plan_for(*target_);
        if (Stop stop = co_await add_facts(plan)) co_return stop;
        if (Stop stop = co_await reach(std::move(plan))) co_return stop;
        co_return co_await log_in();
    }

    Awaitable<Stop> greet_client() {
        const tls::ServerContext* context = peer_.local ? nullptr : setup_->tls.get();
        auto& counters = thread_.services.counters.block_of_this_thread();
        Greeting greeting = co_await greet(client_, context, counters, limits_);
        recorder_.greeting_ended(greeting);
        if (client_.in_tls()) take_tls(client_.peer());

        if (auto* ended = std::get_if<Ended>(&greeting.result)) co_return std::move(*ended);
        auto& opening = std::get<Opening>(greeting.result);
        if (auto* cancel = std::get_if<protocol::CancelRequest>(&opening))
            cancel_ = std::move(*cancel);
        else
            take_startup(std::move(std::get<protocol::StartupMessage>(opening)));
        co_return std::nullopt;
    }

    // --- the virtual database -------------------------------------------------------------------

    bool is_for_console() const {
        return config::has_console(setup_->config) &&
               startup_.database == admin::console_database &&
               startup_.replication == protocol::Replication::none;
    }

    // The console has slots of its own beside max_connections, so nobody is admitted here.
    Awaitable<Stop> serve_console() {
        recorder_.begin(&telemetry::StepTimes::decide);
        if (Stop stop = co_await decide()) co_return stop;
        recorder_.begin(&telemetry::StepTimes::login);
        const auto uid =
            peer_.local ? io::peer_uid(client_.socket().native_handle()) : std::nullopt;
        admin::ConsoleLogin login{startup_, id_, std::nullopt, false, uid, client_.in_tls()};
        if (const hba::Rule* rule = access_.decision().rule) take_rule(login, *rule);
        const auto logged_in = [this] {
            clock_.stop();
            recorder_.console_began();
            log_authorized();
        };
        ConsoleStream stream(client_, recorder_.traffic(), thread_.deadlines, logged_in, [this] {
            return interrupted_.has_value();
        });
        std::optional<admin::ConsoleEnd> end =
            co_await thread_.services.serve_console(stream, login);
        if (!end) co_return stream.stop();
        co_return Ended{end->reason, std::move(end->detail)};
    }

    // --- TLS passes through ---------------------------------------------------------------------

    // The client is answered as the server answered last: no server is connected to before the
    // client has sent what must reach one, and the access rules have let it.
    Awaitable<Stop> pass_through() {
        for (RequestsSeen seen;;) {
            FirstPacket packet = co_await read_first_packet(client_, seen);
            recorder_.packet_came(packet);
            if (auto* ended = std::get_if<Ended>(&packet)) co_return std::move(*ended);
            if (auto* cancel = std::get_if<protocol::CancelRequest>(&packet))
                co_return co_await forward(*cancel);
            if (std::holds_alternative<DirectTls>(packet))
                co_return co_await pass_hellos(Negotiation::none);
            if (auto* startup = std::get_if<protocol::StartupMessage>(&packet))
                co_return co_await pass_plaintext(std::move(*startup));

            const bool gssenc = std::holds_alternative<protocol::GssEncRequest>(packet);
            const bool yes = co_await would_encrypt(gssenc);
            const char answer = !yes ? 'N' : gssenc ? 'G' : 'S';
            if (Stop stop = co_await answer_request(client_, answer, gssenc)) co_return stop;
            if (answer == 'S') co_return co_await pass_hellos(Negotiation::client_tls);
            if (answer == 'G') co_return co_await pass_gss();
        }
    }

    // Where rules choose the server it is not known yet, and the answer is ours.
    Awaitable<bool> would_encrypt(bool gssenc) {
        if (access_.routes()) co_return !gssenc;
        const auto request =
            gssenc ? runtime::EncryptionRequest::gssenc : runtime::EncryptionRequest::ssl;
        co_return co_await finder_.would_encrypt(listener_.upstream, request);
    }

    Awaitable<Stop> pass_hellos(Negotiation negotiation) {
        sealed_ = true;
        const ReadHello hello = co_await read_client_hello(client_);
        if (hello.stop) {
            recorder_.client_hello_refused();
            co_return hello.stop;
        }
        facts_.encryption = telemetry::Encryption::tls;
        facts_.client_tls.server_name = hello.facts.server_name;
        recorder_.client_is(facts_);
        recorder_.client_hello_came(hello.facts);
        if (Stop stop = co_await admit()) co_return stop;
        if (Stop stop = co_await decide()) co_return stop;
        upstream::Plan plan = upstream::plan_for(*target_);
        plan.negotiation = negotiation;
        plan.opening = hello.bytes;
        plan.opening_is_startup = false;
        if (Stop stop = co_await reach(std::move(plan))) co_return stop;
        recorder_.begin(&telemetry::StepTimes::greet);
        clock_.run(Side::client);
        const PassedHello passed =
            co_await pass_server_hello(client_, *server_, hello, std::move(first_reply_));
        if (passed.stop) co_return passed.stop;
        take_server_hello(passed.facts);
        if (Stop stop = co_await judge_server_hello(passed)) co_return stop;
        const io::Result sent = co_await client_.write(passed.flight);
        co_return sent ? Stop() : ended_by(Side::client, sent);
    }

    Awaitable<Stop> pass_gss() {
        sealed_ = true;
        facts_.encryption = telemetry::Encryption::gss;
        recorder_.client_is(facts_);
        std::uint8_t first = 0; // of the client's token: until then nothing must reach a server
        if (const io::Result io = co_await client_.peek_byte(first); !io)
            co_return ended_by(Side::client, io);
        if (Stop stop = co_await admit()) co_return stop;
        if (Stop stop = co_await decide()) co_return stop;
        upstream::Plan plan = upstream::plan_for(*target_);
        plan.negotiation = Negotiation::client_gss;
        co_return co_await reach(std::move(plan));
    }

    Awaitable<Stop> pass_plaintext(protocol::StartupMessage startup) {
        take_startup(std::move(startup));
        if (Stop stop = co_await admit()) co_return stop;
        if (Stop stop = co_await decide()) co_return stop;
        upstream::Plan plan = upstream::plan_for(*target_);
        plan.negotiation = Negotiation::none;
        if (Stop stop = co_await add_facts(plan)) co_return stop;
        if (Stop stop = co_await reach(std::move(plan))) co_return stop;
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
        if (thread_.services.out_of_service.has_listener(listener_.name)) {
            co_await tell(refusal::out_of_service);
            co_return Ended{CloseReason::drain, "listener \"" + listener_.name + "\" is drained"};
        }
        const protocol::ErrorText* refused = refusal_for(co_await limits_.begin_login());
        if (refused == nullptr) co_return std::nullopt;
        co_await tell(*refused);
        co_return Ended{CloseReason::rate_limited, std::string(refused->message)};
    }

    // By the rules that the session began with. Where they have been loaded again since, recheck()
    // looks at it once more, as at any live session.
    Awaitable<Stop> decide() {
        waits_for_ = "the access rules wait for an answer";
        if (access_.has_rules()) {
            if (peer_.local) facts_.peer_uid = io::peer_uid(client_.socket().native_handle());
            co_await access_.ask(facts_);
            if (interrupted_) co_return interrupted_;
            access_.take_connection_slot();
        }
        target_ = access_.choose_target(facts_);
        const bool refused = access_.decision().refuses();
        const bool server_hello_follows =
            sealed_ && facts_.encryption == telemetry::Encryption::tls && !refused;
        if (!server_hello_follows) access_.settle(facts_);
        if (refused) {
            if (has_proved_to_be_another(access_.decision(), facts_))
                log_authenticated(protocol::ServerMethod::none);
            co_return co_await refuse(alert::access_denied);
        }
        co_return std::nullopt;
    }

    Awaitable<Stop> reach(upstream::Plan plan) {
        if (interrupted_) co_return interrupted_; // while a wait that cannot tell was under way
        const io::PeerWatch watch(thread_.deadlines, client_, [this] { client_left(); });
        WantedServer wanted{target_, std::move(plan), header_for_server(), !sealed_};
        auto found = co_await finder_.find(std::move(wanted));
        co_return co_await take_found(std::move(found));
    }

    // The server that was logged in to has another role.
    Awaitable<Stop> go_elsewhere(const Login& login) {
        if (interrupted_) co_return interrupted_;
        server_->close(login.facts.authenticated ? protocol::encode_terminate()
                                                 : protocol::Bytes());
        server_.reset();
        const io::PeerWatch watch(thread_.deadlines, client_, [this] { client_left(); });
        auto found = co_await finder_.find_another(login.left);
        co_return co_await take_found(std::move(found));
    }

    Awaitable<Stop> take_found(ServerFinder::Found found) {
        if (interrupted_) co_return interrupted_;
        if (auto* none = std::get_if<NoServer>(&found)) {
            if (none->words != nullptr) co_await tell(*none->words, alert::internal_error);
            co_return std::move(none->ended);
        }
        auto& server = std::get<upstream::Server>(found);
        recorder_.server_reached(server);
        server_ = std::move(server.stream);
        route_ = std::move(server.route);
        first_reply_ = std::move(server.answer);
        co_return std::nullopt;
    }

    // What the server chose is not known before its hello. After an alert there may still come one
    // (a warning), which nobody would look at.
    Awaitable<Stop> judge_server_hello(const PassedHello& passed) {
        const hba::Rule* const rule = access_.decision().rule;
        const bool demands = rule != nullptr && rule->demands.any();
        if (demands && passed.alert) {
            (void)co_await client_.write(passed.flight);
            co_return Ended{CloseReason::handshake,
                            "server: answered the ClientHello with an alert"};
        }
        access_.server_hello_passed(facts_);
        if (!access_.decision().refuses()) co_return std::nullopt;
        co_return co_await refuse(alert::insufficient_security);
    }

    Awaitable<Stop> refuse(std::uint8_t alert) {
        const hba::Decision& decision = access_.decision();
        const protocol::ErrorText text{decision.sqlstate, decision.message};
        co_await tell(text, alert);
        const std::string why = decision.log_detail.empty() ? "" : " (" + decision.log_detail + ")";
        co_return Ended{CloseReason::denied, decision.message + why};
    }

    Awaitable<Stop> log_in() {
        Login login = co_await log_in_to_server();
        while (login.elsewhere) {
            if (Stop stop = co_await go_elsewhere(login)) co_return stop;
            Login next = co_await log_in_to_server(); // named: g++ 12 destroys it twice else
            login = std::move(next);
        }
        finder_.login_ended();
        recorder_.login_ended(login.facts, login.scram, !login.stop, route_);
        after_ready_ = std::move(login.sent_after_ready);
        client_between_messages_ = login.client_between_messages;
        server_between_messages_ = login.server_between_messages;
        if (login.unproven) co_return co_await refuse_for_lack_of_proof(login.facts.method);
        if (!login.stop) log_authenticated(login.facts.method);
        co_return std::move(login.stop);
    }

    Awaitable<Login> log_in_to_server() {
        recorder_.begin(&telemetry::StepTimes::login);
        waits_for_ = "the login";
        const LoginContext context = login_context();
        Login login = co_await relay_login(client_, *server_, context, std::move(first_reply_));
        finder_.login_came_from(*route_, login.facts);
        co_return login;
    }

    // What passes through TLS is never bridged.
    LoginContext login_context() {
        const bool ours = runtime::mode_of(listener_) == Mode::terminate;
        return {clock_,
                access_.accepted_methods(),
                ours ? target_->login : config::LoginMode::relay,
                setup_->config.auth_secrets,
                target_->secrets,
                startup_.user,
                lookup_client_,
                thread_.services.counters.block_of_this_thread(),
                thread_.deadlines,
                [this] { client_left(); },
                asks_for_primary() && finder_.role() == nullptr,
                finder_.role()};
    }

    // The health check's last answer may be older than what the server itself says in the login.
    bool asks_for_primary() const {
        const auto wanted = target_->conninfo.target_session_attrs;
        return wanted == config::SessionAttrs::primary ||
               wanted == config::SessionAttrs::read_write;
    }

    // The rule's method is a promise, and the server asked for less.
    Awaitable<Stop> refuse_for_lack_of_proof(protocol::ServerMethod asked) {
        access_.lacks_proof(asked);
        co_return co_await refuse(alert::access_denied);
    }

    // By the rules of now, if a reload came while the session was on its way.
    Awaitable<Stop> recheck() {
        for (auto checked = setup_; checked != thread_.setup && !interrupted_;) {
            checked = thread_.setup;
            if (co_await access::must_end(thread_, lookup_client_, id_, recorder_.facts()))
                co_return Ended{CloseReason::killed, "no longer permitted by the access rules"};
        }
        co_return std::nullopt;
    }

    Awaitable<Stop> forward(const protocol::CancelRequest& request) {
        clock_.stop(); // it has its own
        forwarder_.emplace(thread_, setup_, listener_index_);
        co_return co_await forwarder_->forward(
            request, facts_.client_address, facts_.client_tls.server_name);
    }

    // A client whose TLS is not ours gets an alert; one in GSSAPI's encryption cannot be told
    // anything.
    Awaitable<void> tell(const protocol::ErrorText& text,
                         std::uint8_t alert = alert::access_denied) {
        if (!sealed_)
            (void)co_await client_.write(protocol::encode_fatal(text));
        else if (facts_.encryption == telemetry::Encryption::tls)
            co_await send_alert(client_, alert);
    }

    void take_tls(const tls::PeerFacts& peer) {
        learn_tls(facts_, peer);
        recorder_.client_in_tls(facts_);
    }

    void take_startup(protocol::StartupMessage startup) {
        startup_ = std::move(startup);
        learn_startup(facts_, startup_);
        recorder_.client_is(facts_);
        told_what_it_wants_ = true;
    }

    // Version 0: the server answered with an alert.
    void take_server_hello(const protocol::ServerHelloFacts& hello) {
        if (hello.version == 0) return;
        learn_server_hello(facts_, hello);
        recorder_.server_hello_passed(facts_);
    }

    // --- the end --------------------------------------------------------------------------------

    void hand_over() {
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

    void log_authenticated(protocol::ServerMethod method) {
        if (!setup_->config.log_connections) return;
        const auto fields =
            describe_authentication(id_, recorder_.facts(), access_.decision().rule, method);
        if (!fields) return;
        thread_.services.log.write(telemetry::Log::Level::log, "connection authenticated", *fields);
    }

    void log_authorized() {
        if (!setup_->config.log_connections) return;
        thread_.services.log.write(telemetry::Log::Level::log,
                                   "connection authorized",
                                   describe(id_, recorder_.all_facts()));
    }

    relay::TrafficMeter meter_of_the_rest() {
        using relay::TrafficMeter;
        const auto content =
            sealed_ ? TrafficMeter::Content::opaque : TrafficMeter::Content::messages;
        TrafficMeter meter(recorder_.traffic(), listener_id_, content);
        meter.saw(
            metrics::Side::server, after_ready_, thread_.services.counters.block_of_this_thread());
        if (!client_between_messages_) meter.missed(metrics::Side::client, 1);
        return meter;
    }

    // A deadline of the client ends a connection without a word, as PostgreSQL's does; who ends it
    // from outside lets the client know, unless that would stand inside another message.
    void end(Ended ended) {
        clock_.stop();
        const auto words = interrupted_ ? relay::farewell_of(ended.reason) : std::nullopt;
        if (ended.reason == CloseReason::timeout && interrupted_ && !last_words_)
            client_.abort();
        else if (words && may_be_told())
            client_.close(protocol::encode_fatal(*words));
        else if (last_words_ && may_be_told())
            client_.close(protocol::encode_fatal(*last_words_));
        else
            client_.close();
        if (server_) server_->close();
        const std::string& sqlstate = recorder_.facts().sqlstate;
        if (ended.reason == CloseReason::denied || sqlstate == "28P01" || sqlstate == "28000")
            limits_.login_failed();
        thread_.services.reporter.report(recorder_.give_row(), ended);
    }

    // After its start-up packet, in plaintext or in our TLS, between two messages.
    bool may_be_told() const { return told_what_it_wants_ && !sealed_ && server_between_messages_; }

    void time_is_up(Side side) {
        if (side == Side::client) {
            const std::string what = waits_for_.empty() ? "" : ": " + std::string(waits_for_);
            return interrupt({CloseReason::timeout, "authentication_timeout expired" + what});
        }
        last_words_ = refusal::upstream_slow;
        interrupt({CloseReason::timeout,
                   "server_login_timeout expired: server: the login was not completed"});
    }

    // While somebody else is waited for.
    void client_left() { interrupt({CloseReason::client_closed, "client closed the connection"}); }

    void cancel_waits() {
        client_.interrupt();
        lookup_client_.cancel();
        limits_.cancel();
        finder_.interrupt();
        if (forwarder_) forwarder_->interrupt();
        if (server_) server_->interrupt();
    }

    runtime::ControlThread& thread_;
    const std::shared_ptr<const runtime::RuntimeConfig> setup_; // decides everything about it
    const std::size_t listener_index_;
    const config::Listener& listener_;
    const metrics::ListenerId listener_id_;
    io::PeerAddress peer_;         // the client; with a PROXY protocol header, whom that names
    telemetry::ClientFacts facts_; // what the rules are asked with
    SessionRecorder recorder_;     // what others are told
    const std::uint64_t id_ = recorder_.id();
    Descriptor socket_; // until it is opened
    const int family_;
    io::Stream client_;
    std::unique_ptr<io::Stream> server_;
    std::optional<CancelForwarder> forwarder_;
    protocol::StartupMessage startup_;
    std::optional<protocol::CancelRequest> cancel_;
    access::LookupClient lookup_client_{thread_};
    access::ClientLimits limits_{thread_};
    AccessCheck access_{thread_, *setup_, listener_index_, lookup_client_, recorder_};
    std::shared_ptr<const runtime::UpstreamTarget> target_;
    std::shared_ptr<const upstream::ServerRoute> route_; // to the server that was reached
    protocol::Bytes first_reply_;                        // of the server to what was sent first
    protocol::Bytes after_ready_;         // of the server, passed on behind ReadyForQuery
    bool client_between_messages_ = true; // what it sent during the login ended with a message
    bool server_between_messages_ = true; // what it was sent did
    bool told_what_it_wants_ = false;     // its start-up packet has come
    bool sealed_ = false;                 // the client is in an encryption that ends at the server
    std::string_view waits_for_;          // for the log, when its time is up
    Stop interrupted_;                    // from outside; the first one counts
    std::optional<protocol::ErrorText> last_words_; // of ours, after an interruption
    LoginClock clock_;                              // its action uses what is declared above
    ServerFinder finder_{thread_, *setup_, listener_id_, clock_, recorder_};
};

// A plain function, not a lambda, owns the session: the coroutine frame keeps its parameters.
Awaitable<void> tell_story(std::unique_ptr<Session> session) {
    std::string failure;
    bool failed = false;
    try {
        co_await session->run();
    } catch (const std::exception& error) {
        failed = true;
        failure = error.what();
    }
    if (failed) session->fail(failure);
}

} // namespace

void refuse_session(runtime::ControlThread& thread,
                    const Accepted& accepted,
                    const relay::Ended& ended) noexcept {
    auto recorder = begin_record(thread.services, accepted);
    if (!recorder) return;
    try {
        thread.services.reporter.report(recorder->give_row(), ended);
    } catch (const std::exception&) { // the counters have it
    }
}

// What cannot even begin is reported by the end of its record.
void start_session(runtime::ControlThread& thread, Accepted accepted) noexcept {
    auto recorder = begin_record(thread.services, accepted);
    if (!recorder) return;
    try {
        auto session = std::make_unique<Session>(thread, std::move(accepted), std::move(*recorder));
        asio::co_spawn(thread.context, tell_story(std::move(session)), asio::detached);
    } catch (const std::exception&) {
    }
}

} // namespace pgmoat::session
