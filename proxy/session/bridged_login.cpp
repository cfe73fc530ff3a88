#include "proxy/session/bridged_login.h"

#include "protocol/client_messages.h"
#include "protocol/frames.h"
#include "protocol/limits.h"
#include "protocol/scram_bridge.h"
#include "proxy/config/scram_digests.h"
#include "proxy/io/limits.h"
#include "proxy/io/peer_watch.h"
#include "proxy/io/wait_either.h"
#include "proxy/session/limits.h"
#include "proxy/session/role_of_login.h"
#include "proxy/session/scram_inputs.h"
#include "tls/scram_keys.h"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

namespace pgmoat::session {

namespace {

using namespace protocol;
using metrics::ScramOutcome;

// The two lists have the same values, so that the metric labels are the bridge's names.
ScramOutcome to_metric(protocol::ScramOutcome outcome) {
    return static_cast<ScramOutcome>(outcome);
}
static_assert(static_cast<std::size_t>(protocol::ScramOutcome::last) + 1 ==
              metrics::scram_outcome_count);

ScramRandom random_values() {
    return {random_nonce(), random_nonce(), random_digest(), random_digest()};
}

constexpr ErrorText not_configured{
    "28000",
    "SCRAM authentication with channel binding is not configured in pgmoat",
    "The server is reached in TLS of its own, to which the client's proof cannot be bound, and "
    "pgmoat has no SCRAM secret to log in with.",
    "Set \"auth_file\" or \"auth_query_conninfo\" in pgmoat's configuration, or connect with "
    "channel_binding=disable."};

constexpr ErrorText lookup_failed{"57P03", "the user's secret cannot be looked up"};

class BridgedLogin {
  public:
    BridgedLogin(const LoginContext& context,
                 io::Stream& client,
                 io::Stream& server,
                 LoginObserver& observer,
                 FrameWalker& to_client,
                 Bytes rest)
        : context_(context), client_(client), server_(server), observer_(observer),
          to_client_(to_client), client_leg_(leg_of(client)), server_leg_(leg_of(server)) {
        end_.rest = std::move(rest);
        frame_.reserve(frame_header_bytes +
                       scram_frame_length_max); // allocated once, so that a proof is never moved
    }
    ~BridgedLogin() {
        wipe_room(frame_);
        wipe_room(out_);
    }
    BridgedLogin(const BridgedLogin&) = delete;
    BridgedLogin& operator=(const BridgedLogin&) = delete;

    Awaitable<BridgeEnd> run() {
        switch (way()) {
        case Way::relay: co_await pass_list(); break;
        case Way::relay_unbound: co_await relay_unbound(); break;
        case Way::bridge: co_await bridge(); break;
        }
        co_return std::move(end_);
    }

  private:
    enum class Way { relay, relay_unbound, bridge };
    enum class Patience { wait, no_wait };

    Way way() const {
        const auto& offered = observer_.facts().sasl_mechanisms;
        if (context_.mode == config::LoginMode::relay || !ScramBridge::speaks_scram(offered))
            return Way::relay;
        if (context_.mode == config::LoginMode::bridge) return Way::bridge;
        if (context_.role != nullptr && context_.role->search.has_choice() && has_source())
            return Way::bridge;
        const bool plus = std::ranges::find(offered, scram_plus_mechanism) != offered.end();
        const bool same =
            !client_leg_.end_point.empty() && client_leg_.end_point == server_leg_.end_point;
        if (!server_leg_.in_tls || !plus || same) return Way::relay;
        return client_leg_.in_tls && has_source() ? Way::bridge : Way::relay_unbound;
    }

    bool has_source() const {
        return !context_.secrets.empty() || !context_.secret_query.query.empty();
    }

    // --- relayed ---------------------------------------------------------------------------------

    Awaitable<void> pass_list() {
        out_.clear();
        observer_.pass_intercepted(out_);
        context_.clock.run(Side::client);
        co_await tell_client(out_);
    }

    // Reads only the mechanism and the first character of the client's answer.
    Awaitable<void> relay_unbound() {
        co_await pass_list();
        if (end_.stop) co_return;
        const bool chosen = co_await read_frame(sasl_begin_bytes_max);
        if (!chosen || !client_binds()) {
            end_.to_server = frame_;
            co_return;
        }
        if (has_source()) {
            co_await bridge_what_was_chosen();
            co_return;
        }
        count(ScramOutcome::not_configured);
        co_await tell_client(encode_fatal(not_configured));
        end_.stop = Ended{CloseReason::login_failed,
                          "SCRAM with channel binding needs auth_file or auth_query_conninfo"};
    }

    bool client_binds() const {
        const auto choice = parse_sasl_begin(ByteView(frame_).subspan(frame_header_bytes));
        return frame_[0] == 'p' &&
               (choice.mechanism == scram_plus_mechanism ||
                (choice.mechanism == scram_mechanism && choice.first_byte == 'y'));
    }

    // --- bridged ---------------------------------------------------------------------------------

    Awaitable<void> bridge() {
        ScramBridge::Action first = begin_bridge();
        co_await drive(std::move(first));
    }

    // The client has got a list without PLUS, as the bridge would send on a plaintext leg, and part
    // of its answer has arrived.
    Awaitable<void> bridge_what_was_chosen() {
        ScramBridge::Action first = begin_bridge();
        if (std::holds_alternative<ScramBridge::AskClient>(first)) {
            ScramBridge::Action next = co_await hear_client();
            first = std::move(next);
        }
        co_await drive(std::move(first));
    }

    ScramBridge::Action begin_bridge() {
        end_.scram.way = telemetry::ScramWay::bridged;
        observer_.drop_intercepted();
        bridge_.emplace(
            config::scram_digests(), client_leg_, server_leg_, random_values(), context_.user);
        return bridge_->begin(observer_.facts().sasl_mechanisms);
    }

    Awaitable<void> drive(ScramBridge::Action action) {
        while (!end_.stop && !accepted_) {
            // Not in one expression: g++ 12 destroys the members of a braced argument of a co_await
            // twice.
            ScramBridge::Action next = co_await perform(std::move(action));
            action = std::move(next);
        }
        end_.scram.client_bound = bridge_->client_is_bound();
        end_.scram.server_bound = bridge_->server_is_bound();
        if (accepted_)
            observer_.end_interception();
        else if (!counted_)
            count(ScramOutcome::abandoned);
    }

    // Returns the next action, which is meaningless once end_.stop or accepted_ is set.
    Awaitable<ScramBridge::Action> perform(ScramBridge::Action action) {
        if (auto* ask = std::get_if<ScramBridge::AskClient>(&action))
            co_return co_await ask_client(std::move(ask->frame));
        if (auto* ask = std::get_if<ScramBridge::AskServer>(&action))
            co_return co_await ask_server(std::move(ask->frame));
        if (const auto* find = std::get_if<ScramBridge::FindSecret>(&action))
            co_return co_await find_secret(find->again);
        if (auto* accept = std::get_if<ScramBridge::Accept>(&action)) {
            if (context_.role != nullptr)
                prove_client(accept->frame);
            else
                co_await tell_client(accept->frame);
            wipe(accept->frame);
            accepted_ = !end_.stop;
            if (accepted_) count(ScramOutcome::ok);
        }
        if (const auto* refuse = std::get_if<ScramBridge::Refuse>(&action))
            co_await refuse_login(*refuse);
        co_return action;
    }

    // The client hears of it from the server that has the role.
    void prove_client(const Bytes& accept) {
        ProvenClient& client = context_.role->client.emplace(config::scram_digests());
        bridge_->give_proven(client.keys);
        client.accept = accept;
        client.negotiated_version = observer_.facts().negotiated_version;
        client.scram = end_.scram;
        client.scram.client_bound = bridge_->client_is_bound();
        client.scram.server_bound = bridge_->server_is_bound();
    }

    Awaitable<ScramBridge::Action> ask_client(Bytes frame) {
        context_.clock.run(Side::client);
        co_await tell_client(frame);
        wipe(frame);
        frame_.clear();
        co_return co_await hear_client();
    }

    Awaitable<ScramBridge::Action> hear_client() {
        const bool whole = co_await read_on(scram_frame_length_max);
        if (whole) {
            const ByteView body = ByteView(frame_).subspan(frame_header_bytes);
            auto action = bridge_->client_said(frame_[0], frame_length(), body);
            wipe(frame_);
            co_return action;
        }
        if (std::exchange(withheld_, false)) co_return server_said();
        co_return ScramBridge::FindSecret{};
    }

    // The server's clock keeps running while its secret is looked up, and until the login is
    // complete.
    Awaitable<ScramBridge::Action> ask_server(Bytes frame) {
        context_.clock.run(Side::server);
        const io::PeerWatch watch(context_.deadlines, client_, context_.client_left);
        const io::Result sent = co_await server_.write(frame);
        wipe(frame);
        if (!sent) co_await server_gone(sent);
        co_await observe();
        while (!end_.stop && !withheld_)
            co_await read_server(Patience::wait);
        if (std::exchange(withheld_, false)) co_return server_said();
        co_return ScramBridge::FindSecret{};
    }

    ScramBridge::Action server_said() {
        auto action = bridge_->server_said(observer_.intercepted());
        observer_.drop_intercepted();
        return action;
    }

    // The file takes precedence. If its secret is stale, the query may have a newer one.
    Awaitable<ScramBridge::Action> find_secret(bool again) {
        const auto known = context_.secrets.find(context_.user);
        const bool has_query = !context_.secret_query.query.empty();
        if (known != context_.secrets.end() && !(again && has_query))
            co_return bridge_->secret_found(known->second);
        if (!has_query) co_return bridge_->secret_found(std::nullopt);
        const io::PeerWatch watch(context_.deadlines, client_, context_.client_left);
        lookups::UserSecret answer =
            co_await context_.lookups.user_secret(context_.secret_query, context_.user, again);
        if (answer.error.empty()) {
            auto action = bridge_->secret_found(answer.secret);
            if (answer.secret) wipe_secret(config::scram_digests(), *answer.secret);
            co_return action;
        }
        if (client_.interrupted()) { // and so is the lookup
            end_.stop = Ended{CloseReason::timeout, "interrupted"};
            co_return ScramBridge::FindSecret{};
        }
        count(ScramOutcome::lookup_failed);
        co_await tell_client(encode_fatal(lookup_failed));
        end_.stop = Ended{CloseReason::login_failed, "SCRAM bridge: auth_query: " + answer.error};
        co_return ScramBridge::FindSecret{};
    }

    Awaitable<void> refuse_login(const ScramBridge::Refuse& refuse) {
        count(to_metric(refuse.outcome));
        const Bytes words =
            encode_fatal({refuse.fault.sqlstate, refuse.fault.message, refuse.fault.detail});
        co_await tell_client(words);
        const bool by_server = refuse.outcome == protocol::ScramOutcome::bad_server_message ||
                               refuse.outcome == protocol::ScramOutcome::server_not_verified;
        end_.stop = Ended{by_server ? CloseReason::upstream_failed : CloseReason::login_failed,
                          "SCRAM bridge: " + refuse.why};
    }

    // --- bytes -----------------------------------------------------------------------------------

    Awaitable<void> tell_client(ByteView bytes) {
        if (bytes.empty()) co_return;
        ByteView shown = bytes;
        while (to_client_.next(shown)) {
        }
        const io::Result sent = co_await client_.write(bytes);
        if (!sent && !end_.stop) end_.stop = ended_by(Side::client, sent);
    }

    std::uint32_t frame_length() const { return read_uint32(ByteView(frame_).subspan(1, 4)); }

    // Reads a frame's header, and its body if the length is at most `length_max`, and not a byte
    // more from the stream. False: the login is over, or the server has sent something.
    Awaitable<bool> read_frame(std::uint32_t length_max) {
        frame_.clear();
        co_return co_await read_on(length_max);
    }

    // The same for a frame whose beginning was read.
    Awaitable<bool> read_on(std::uint32_t length_max) {
        while (goes_on() && frame_.size() < frame_wanted(length_max)) {
            const io::Readable readable = co_await io::wait_either(client_, server_);
            if (readable.second) co_await read_server(Patience::no_wait);
            if (readable.first && goes_on()) co_await read_client(length_max);
        }
        co_return goes_on();
    }

    bool goes_on() const { return !end_.stop && !withheld_ && !ready_; }

    std::size_t frame_wanted(std::uint32_t length_max) const {
        if (frame_.size() < frame_header_bytes) return frame_header_bytes;
        const std::uint32_t length = std::min(frame_length(), length_max);
        return frame_header_bytes + (std::max(length, frame_length_min) - frame_length_min);
    }

    Awaitable<void> read_client(std::uint32_t length_max) {
        const std::size_t have = frame_.size();
        frame_.resize(frame_wanted(length_max));
        const io::Result read = co_await client_.read_available(std::span(frame_).subspan(have));
        frame_.resize(have + (read ? read.bytes : 0));
        if (!read) end_.stop = ended_by(Side::client, read);
    }

    // With TLS, a readable socket may bring no data, and then waiting for more would be wrong,
    // since it is the client's turn.
    Awaitable<void> read_server(Patience patience) {
        Bytes piece(io::login_read_bytes);
        io::Result read;
        if (patience == Patience::wait)
            read = co_await server_.read_some(piece);
        else
            read = co_await server_.read_available(piece);
        if (!read) {
            co_await server_gone(read);
            co_return;
        }
        make_room(end_.rest, end_.rest.size() + read.bytes);
        end_.rest.insert(end_.rest.end(),
                         piece.begin(),
                         piece.begin() + static_cast<std::ptrdiff_t>(read.bytes));
        wipe(piece);
        co_await observe();
    }

    // Passes on notices and errors; SASL messages are withheld.
    Awaitable<void> observe() {
        using Progress = LoginObserver::Progress;
        if (end_.stop || end_.rest.empty()) co_return;
        out_.clear();
        make_room(out_, end_.rest.size());
        const LoginObserver::Step step = observer_.observe(end_.rest, out_);
        end_.rest.erase(end_.rest.begin(),
                        end_.rest.begin() + static_cast<std::ptrdiff_t>(step.consumed));
        if (bridge_ && step.progress == Progress::refused)
            count(to_metric(bridge_->refused_by_server()));
        if (bridge_ && step.progress == Progress::unproven) count(outcome_of_lacking_proof());
        co_await tell_client(out_); // counted before the client sees it
        if (step.progress == Progress::sasl) withheld_ = true;
        if (step.progress == Progress::ready)
            ready_ = true; // relayed, and no authentication was required
        if (step.progress == Progress::refused) end_.stop = refused_by_server(observer_.facts());
        if (step.progress == Progress::standby) {
            co_await tell_client(encode_fatal(refusal::no_server_of_role));
            end_.stop = standby_refused();
        }
        if (step.progress == Progress::unproven) {
            end_.unproven = true;
            end_.stop = unproven_by_server();
        }
        if (step.progress == Progress::protocol_violation) {
            co_await tell_client(encode_fatal(refusal::upstream_protocol_violation));
            end_.stop = Ended{CloseReason::upstream_failed, "server: " + observer_.complaint()};
        }
    }

    Awaitable<void> server_gone(const io::Result& io) {
        end_.stop = ended_by(Side::server, io);
        if (io.status != io::Result::Status::interrupted)
            (void)co_await client_.write(encode_fatal(refusal::upstream_lost));
    }

    ScramOutcome outcome_of_lacking_proof() const {
        const bool let_in = observer_.facts().method == ServerMethod::none;
        return let_in ? ScramOutcome::server_not_verified : ScramOutcome::bad_server_message;
    }

    void count(ScramOutcome outcome) {
        if (std::exchange(counted_, true)) return;
        context_.counters.scram_login(outcome);
    }

    static void wipe(Bytes& bytes) { tls::wipe(bytes); }

    const LoginContext& context_;
    io::Stream& client_;
    io::Stream& server_;
    LoginObserver& observer_;
    FrameWalker& to_client_; // over the bytes sent to the client
    const ScramLeg client_leg_;
    const ScramLeg server_leg_;
    std::optional<ScramBridge> bridge_;
    BridgeEnd end_;
    Bytes frame_;           // from the client
    Bytes out_;             // from the server, for the client
    bool withheld_ = false; // a SASL message is withheld in the observer
    bool ready_ = false;
    bool accepted_ = false;
    bool counted_ = false;
};

} // namespace

Awaitable<BridgeEnd> bridge_login(const LoginContext& context,
                                  io::Stream& client,
                                  io::Stream& server,
                                  protocol::LoginObserver& observer,
                                  protocol::FrameWalker& to_client,
                                  protocol::Bytes rest) {
    BridgedLogin login(context, client, server, observer, to_client, std::move(rest));
    co_return co_await login.run();
}

} // namespace pgmoat::session
