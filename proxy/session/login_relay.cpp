#include "proxy/session/login_relay.h"

#include "protocol/frames.h"
#include "protocol/limits.h"
#include "protocol/scram_bridge.h"
#include "proxy/io/limits.h"
#include "proxy/io/wait_either.h"
#include "proxy/session/login_bytes.h"

#include <string>
#include <utility>

namespace pgmoat::session {

namespace {

using namespace protocol;

class LoginRelay {
  public:
    LoginRelay(io::Stream& client, io::Stream& server, const LoginContext& context)
        : client_(client), server_(server), context_(context),
          observer_(server.in_tls() && !client.in_tls(), context.accepted) {
        if (context.mode != config::LoginMode::relay) observer_.intercept_sasl();
        if (context.refuse_standby) observer_.refuse_standby();
    }
    ~LoginRelay() {
        wipe_room(buffer_);
        wipe_room(out_);
    }
    LoginRelay(const LoginRelay&) = delete;
    LoginRelay& operator=(const LoginRelay&) = delete;

    Awaitable<Login> run(Bytes first_reply) {
        bool ready = false;
        context_.clock.run(Side::server);
        if (!first_reply.empty()) ready = co_await pass_to_client(first_reply);
        while (!ready && !stop_) {
            const io::Readable readable = co_await io::wait_either(client_, server_);
            if (readable.second) ready = co_await from_server();
            if (readable.first && !ready && !stop_) co_await from_client();
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
                        scram_};
    }

  private:
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
        if (observer_.authentication_messages() != asked && waits_for_client())
            context_.clock.run(Side::client);
        if (step.progress == Progress::ready) {
            const ByteView rest = bytes.subspan(step.consumed);
            out_.insert(out_.end(), rest.begin(), rest.end());
            after_ready_.assign(rest.begin(), rest.end());
        }
        ByteView shown = out_;
        while (server_messages_.next(shown)) {
        }
        const io::Result sent = co_await client_.write(out_);
        if (!sent) {
            stop_ = ended_by(Side::client, sent);
            co_return false;
        }
        if (step.progress == Progress::sasl) {
            const ByteView rest = bytes.subspan(step.consumed);
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
        BridgeEnd end = co_await bridge_login(
            context_, client_, server_, observer_, server_messages_, std::move(rest));
        scram_ = end.scram;
        unproven_ = end.unproven;
        stop_ = std::move(end.stop);
        if (stop_) co_return false;
        if (!end.to_server.empty()) co_await pass_to_server(end.to_server);
        if (stop_) co_return false;
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
