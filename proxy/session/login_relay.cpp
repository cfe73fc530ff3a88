#include "proxy/session/login_relay.h"

#include "protocol/frames.h"
#include "protocol/limits.h"
#include "protocol/scram_bridge.h"
#include "proxy/io/limits.h"
#include "proxy/io/peer_watch.h"
#include "proxy/io/wait_either.h"
#include "proxy/session/limits.h"
#include "proxy/session/login_bytes.h"
#include "proxy/session/role_of_login.h"

#include <algorithm>
#include <string>
#include <utility>

namespace pgmoat::session {

namespace {

using namespace protocol;

constexpr std::size_t ready_for_query_bytes = 6;

class LoginRelay {
  public:
    LoginRelay(io::Stream& client, io::Stream& server, const LoginContext& context)
        : client_(client), server_(server), context_(context),
          observer_(server.in_tls() && !client.in_tls(), context.accepted) {
        if (context.mode != config::LoginMode::relay) observer_.intercept_sasl();
        if (context.refuse_standby) observer_.refuse_standby();
        holding_ = context.role != nullptr;
        if (!is_repeated()) return;
        held_ = context.role->client->accept;
        scram_ = context.role->client->scram;
    }
    ~LoginRelay() {
        wipe_room(buffer_);
        wipe_room(out_);
        wipe_room(held_);
    }
    LoginRelay(const LoginRelay&) = delete;
    LoginRelay& operator=(const LoginRelay&) = delete;

    Awaitable<Login> run(Bytes first_reply) {
        bool ready = false;
        context_.clock.run(Side::server);
        if (!first_reply.empty()) ready = co_await pass_to_client(first_reply);
        while (!ready && !is_over()) {
            if (holding_) {
                ready = co_await from_server_alone();
                continue;
            }
            const io::Readable readable = co_await io::wait_either(client_, server_);
            if (readable.second) ready = co_await from_server();
            if (readable.first && !ready && !is_over()) co_await from_client();
        }
        if (ScramBridge::speaks_scram(observer_.facts().sasl_mechanisms) &&
            scram_.way == telemetry::ScramWay::none)
            scram_.way = telemetry::ScramWay::relayed;
        co_return Login{std::move(stop_),
                        observer_.facts(),
                        std::move(after_ready_),
                        client_messages_.between_frames(),
                        server_messages_.between_frames(),
                        unproven_,
                        elsewhere_,
                        std::move(left_),
                        scram_};
    }

  private:
    [[nodiscard]] bool is_over() const { return stop_ || elsewhere_; }

    // Returns whether the server is ready for queries.
    Awaitable<bool> from_server() {
        buffer_.resize(io::login_read_bytes);
        const io::Result read = co_await server_.read_available(buffer_);
        if (!read) {
            co_await server_gone(read);
            co_return false;
        }
        if (read.bytes == 0) co_return false;
        buffer_.resize(read.bytes);
        co_return co_await pass_to_client(buffer_);
    }

    // What the client sends meanwhile is for the server that it stays with.
    Awaitable<bool> from_server_alone() {
        buffer_.resize(io::login_read_bytes);
        io::Result read;
        {
            const io::PeerWatch watch(context_.deadlines, client_, context_.client_left);
            read = co_await server_.read_some(buffer_);
        }
        if (!read) {
            co_await server_gone(read);
            co_return false;
        }
        buffer_.resize(read.bytes);
        co_return co_await pass_to_client(buffer_);
    }

    Awaitable<void> from_client() {
        buffer_.resize(io::login_read_bytes);
        const io::Result read = co_await client_.read_available(buffer_);
        if (!read) {
            stop_ = client_gone(read);
            co_return;
        }
        if (read.bytes == 0) co_return;
        co_await pass_to_server(ByteView(buffer_).first(read.bytes));
    }

    Awaitable<void> pass_to_server(ByteView bytes) {
        ByteView headers = bytes; // only message headers are looked at (law 7)
        while (const auto header = client_messages_.next(headers))
            terminated_ = header->type == 'X';
        if (client_messages_.between_frames()) context_.clock.run(Side::server);
        const io::Result sent = co_await server_.write(bytes);
        if (!sent) co_await server_gone(sent);
    }

    Awaitable<bool> pass_to_client(ByteView bytes) {
        using Progress = LoginObserver::Progress;
        out_.clear();
        make_room(out_, bytes.size());
        const std::size_t asked = observer_.authentication_messages();
        const LoginObserver::Step step = observer_.observe(bytes, out_);
        const bool waits = observer_.authentication_messages() != asked && waits_for_client();
        if (waits) context_.clock.run(Side::client);
        if (context_.role != nullptr) settle_role(step.progress, waits);
        if (elsewhere_) co_return false;
        if (step.progress == Progress::ready && !stop_) {
            const ByteView rest = bytes.subspan(step.consumed);
            out_.insert(out_.end(), rest.begin(), rest.end());
            after_ready_.assign(rest.begin(), rest.end());
        }
        const bool told = co_await tell_client();
        if (!told || stop_) co_return false;
        if (step.progress == Progress::sasl) {
            const ByteView rest = bytes.subspan(step.consumed);
            if (is_repeated()) co_return co_await repeat(Bytes(rest.begin(), rest.end()));
            co_return co_await bridge(Bytes(rest.begin(), rest.end()));
        }
        if (step.progress == Progress::refused) stop_ = refused_by_server(observer_.facts());
        if (step.progress == Progress::standby) {
            (void)co_await client_.write(encode_fatal(refusal::no_server_of_role));
            stop_ = standby_refused();
        }
        if (step.progress == Progress::unproven) {
            unproven_ = true;
            stop_ = unproven_by_server();
        }
        if (step.progress == Progress::protocol_violation) {
            (void)co_await client_.write(encode_fatal(refusal::upstream_protocol_violation));
            stop_ = Ended{CloseReason::upstream_failed, "server: " + observer_.complaint()};
        }
        co_return step.progress == Progress::ready;
    }

    // All of `out_`.
    Awaitable<bool> tell_client() {
        ByteView shown = out_;
        while (server_messages_.next(shown)) {
        }
        const io::Result sent = co_await client_.write(out_);
        if (!sent && !stop_) stop_ = ended_by(Side::client, sent);
        co_return static_cast<bool>(sent);
    }

    // --- the role, where it is learnt in the login (role_of_login.h) -----------------------------

    // What of `out_` and of what was held back the client gets now. All of it goes out when the role
    // fits, when the login is over, and when the client itself is asked for something.
    void settle_role(LoginObserver::Progress progress, bool waits) {
        using Progress = LoginObserver::Progress;
        const LoginFacts& facts = observer_.facts();
        if (progress == Progress::ready && !may_stay()) return refuse_role();
        if (!holding_) return;
        if (progress == Progress::refused && facts.error_sqlstate == "57P03" &&
            context_.role->search.has_more())
            return leave("does not accept connections now");
        if (progress == Progress::unproven || progress == Progress::protocol_violation) {
            out_.clear();
            return drop_held();
        }
        const bool asks = progress == Progress::in_login && waits;
        if (asks && is_repeated()) return leave("asks for something else than SCRAM");
        const bool goes_on = progress == Progress::in_login || progress == Progress::sasl;
        if (goes_on && !asks && held_.size() + out_.size() <= held_login_bytes_max) {
            held_.insert(held_.end(), out_.begin(), out_.end());
            return out_.clear();
        }
        // A refusal is not the last word of an exchange that another server has had.
        if (progress == Progress::refused && is_repeated() && !facts.authenticated) drop_held();
        release();
    }

    // In front of `out_`.
    void release() {
        holding_ = false;
        held_.insert(held_.end(), out_.begin(), out_.end());
        out_ = is_repeated() ? without_negotiation(held_) : held_;
        drop_held();
    }

    void drop_held() {
        wipe_room(held_);
        held_.clear();
    }

    [[nodiscard]] bool is_repeated() const {
        return context_.role != nullptr && context_.role->client.has_value();
    }

    [[nodiscard]] bool may_stay() const {
        const upstream::RoleSearch& search = context_.role->search;
        return (!holding_ && search.is_wish()) ||
               (search.fits(observer_.facts()) && speaks_alike());
    }

    // A client cannot be told of another version of the protocol than it was.
    [[nodiscard]] bool speaks_alike() const {
        return !is_repeated() ||
               observer_.facts().negotiated_version == context_.role->client->negotiated_version;
    }

    void refuse_role() {
        std::string why = speaks_alike() ? upstream::role_text(observer_.facts())
                                         : "speaks another version of the protocol";
        if (holding_) return leave(std::move(why));
        // In the place of ReadyForQuery, which is the end of it.
        out_.resize(out_.size() - std::min(out_.size(), ready_for_query_bytes));
        const Bytes words =
            encode_fatal(context_.role->search.has_choice() ? refusal::server_of_other_role
                                                            : refusal::no_server_of_role);
        out_.insert(out_.end(), words.begin(), words.end());
        stop_ = Ended{CloseReason::upstream_failed,
                      "server: " + why + ", and the client's login cannot be repeated on another"};
    }

    // The client has been told nothing that it could not be told by another server.
    void leave(std::string why) {
        left_ = std::move(why);
        elsewhere_ = true;
        out_.clear();
        drop_held();
    }

    // As far as AuthenticationOk; nothing of the exchange is the client's.
    Awaitable<bool> repeat(Bytes rest) {
        RepeatedLogin end =
            co_await repeat_login(context_, client_, server_, observer_, std::move(rest));
        scram_ = context_.role->client->scram;
        unproven_ = end.unproven;
        stop_ = std::move(end.stop);
        if (!end.left.empty()) leave(std::move(end.left));
        if (stop_ && !end.to_client.empty()) (void)co_await client_.write(end.to_client);
        if (is_over()) co_return false;
        held_.insert(held_.end(), end.to_client.begin(), end.to_client.end());
        co_return co_await pass_to_client(end.rest);
    }

    // Of the Authentication messages, only AuthenticationOk and the end of SASL need no answer.
    [[nodiscard]] bool waits_for_client() const {
        constexpr std::uint32_t ok = 0;
        constexpr std::uint32_t sasl_final = 12;
        const std::uint32_t request = observer_.facts().authentication_request;
        return request != ok && request != sasl_final;
    }

    // After Terminate any end is normal.
    [[nodiscard]] Ended client_gone(const io::Result& io) const {
        if (!terminated_ || io.status == io::Result::Status::interrupted)
            return ended_by(Side::client, io);
        return {CloseReason::client_closed, "client closed the connection"};
    }

    // The server's list was withheld: decides now who answers it.
    Awaitable<bool> bridge(Bytes rest) {
        if (holding_) {
            release();
            const bool told = co_await tell_client();
            if (!told) co_return false;
        }
        BridgeEnd end = co_await bridge_login(
            context_, client_, server_, observer_, server_messages_, std::move(rest));
        scram_ = end.scram;
        unproven_ = end.unproven;
        stop_ = std::move(end.stop);
        if (stop_) co_return false;
        if (!end.to_server.empty()) co_await pass_to_server(end.to_server);
        if (stop_) co_return false;
        if (is_repeated()) { // it may have to be
            held_ = context_.role->client->accept;
            holding_ = true;
        }
        co_return co_await pass_to_client(end.rest);
    }

    Awaitable<void> server_gone(const io::Result& io) {
        stop_ = ended_by(Side::server, io);
        if (io.status != io::Result::Status::interrupted)
            (void)co_await client_.write(encode_fatal(refusal::upstream_lost));
    }

    io::Stream& client_;
    io::Stream& server_;
    const LoginContext& context_;
    LoginObserver observer_;
    FrameWalker client_messages_{message_length_max};
    FrameWalker server_messages_{message_length_max}; // over the bytes sent to the client
    bool terminated_ = false;                         // the client sent Terminate
    Bytes buffer_;
    Bytes out_;
    Bytes after_ready_;
    bool unproven_ = false;
    bool holding_ = false; // the client is told nothing: the server's role is not known
    Bytes held_;
    bool elsewhere_ = false;
    std::string left_; // why
    telemetry::ScramFacts scram_;
    Stop stop_;
};

} // namespace

Awaitable<Login> relay_login(io::Stream& client,
                             io::Stream& server,
                             const LoginContext& context,
                             Bytes first_reply) {
    LoginRelay relay(client, server, context);
    co_return co_await relay.run(std::move(first_reply));
}

} // namespace pgmoat::session
