#include "proxy/admin/console/console.h"

#include "protocol/base64.h"
#include "protocol/client_messages.h"
#include "protocol/limits.h"
#include "protocol/message_buffer.h"
#include "protocol/scram_server.h"
#include "proxy/admin/console/deed.h"
#include "proxy/admin/console/limits.h"
#include "proxy/admin/console/login.h"
#include "proxy/admin/console/parameters.h"
#include "proxy/admin/console/wire_session.h"
#include "proxy/config/scram_digests.h"
#include "tls/scram_keys.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>

#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

namespace asio = boost::asio;

namespace pgmoat::admin {

namespace {

using metrics::CloseReason;
using protocol::Bytes;
using protocol::ByteView;
using protocol::Severity;
using End = std::optional<ConsoleEnd>;

constexpr std::size_t nonce_bytes = 18; // as PostgreSQL's SCRAM_RAW_NONCE_LEN

// During the login the session's own deadline applies.
constexpr std::chrono::hours no_limit_of_ours{24};

// Counts a session for as long as its coroutine lives.
class Slot {
  public:
    explicit Slot(std::atomic<std::size_t>& count) : count_(count), number_(++count) {}
    ~Slot() { --count_; }
    Slot(const Slot&) = delete;
    Slot& operator=(const Slot&) = delete;
    [[nodiscard]] std::size_t number() const noexcept { return number_; }

  private:
    std::atomic<std::size_t>& count_;
    std::size_t number_;
};

class Session {
  public:
    Session(asio::any_io_executor main,
            asio::any_io_executor worker,
            Backend& backend,
            ConsoleClient& client,
            ConsoleLogin login)
        : main_(std::move(main)), worker_(std::move(worker)), backend_(backend), client_(client),
          login_(std::move(login)), user_(login_.startup.user) {
        const auto& startup = login_.startup;
        if (startup.version.minor > 0 || !startup.protocol_options.empty())
            protocol::append_negotiate_version(first_out_, startup.protocol_options);
    }

    asio::awaitable<End> run(std::atomic<std::size_t>& sessions) {
        Admission admission = co_await on(main_, [this] { return admit(); });
        if (const auto* none = std::get_if<NoProof>(&admission.proof)) {
            const protocol::ErrorText text{"28000", "console authentication is not configured"};
            co_return co_await refuse(text, CloseReason::denied, none->detail);
        }
        if (auto* password = std::get_if<ProveByPassword>(&admission.proof)) {
            End failed = co_await prove(std::move(password->secret));
            if (failed || gone_) co_return failed;
        }
        // Only now, so that a client learns whether a user is on the lists only after
        // authentication.
        if (!admission.role)
            co_return co_await refuse(not_allowed(), CloseReason::denied, "no console user");
        role_ = *admission.role;
        std::optional<Slot> slot(std::in_place, sessions);
        if (slot->number() > slots_for(role_)) {
            slot.reset(); // a client that does not read its refusal must not keep it
            const protocol::ErrorText text{"53300", "sorry, too many console sessions already"};
            co_return co_await refuse(
                text, CloseReason::too_many_connections, "all slots are taken");
        }
        const bool greeted = co_await greet();
        if (!greeted) co_return std::nullopt;
        client_.logged_in();
        co_return co_await answer_until_the_end();
    }

  private:
    struct Admission {
        std::optional<Role> role;
        Proof proof;
    };

    static std::size_t slots_for(Role role) {
        return role == Role::console_user ? limits::console_sessions_max
                                          : limits::stats_sessions_max;
    }

    // On the main thread, which owns the configuration.
    Admission admit() const {
        const config::Config& config = backend_.config();
        return {role_of(user_, config), proof_for(login_, config, ::geteuid())};
    }

    // --- login -----------------------------------------------------------------------------------

    protocol::ErrorText not_allowed() {
        message_ = "user \"" + user_ + "\" is not allowed to use the console";
        return {"28000", message_};
    }

    asio::awaitable<End> refuse(protocol::ErrorText text, CloseReason reason, std::string detail) {
        Bytes out = std::exchange(first_out_, {});
        protocol::append_error(out, Severity::fatal, text);
        (void)co_await send(out);
        co_return ConsoleEnd{reason, "console: " + std::move(detail)};
    }

    // Nothing: the user is authenticated, or gone_ is set.
    asio::awaitable<End> prove(protocol::ScramSecret secret) {
        protocol::WipedText nonce(config::scram_digests(),
                                  protocol::encode_base64(tls::random_bytes(nonce_bytes)));
        protocol::ScramServer scram(config::scram_digests(), *nonce);
        protocol::MessageBuffer messages(protocol::authentication_message_bytes_max);
        Bytes out = std::exchange(first_out_, {});
        protocol::append_sasl_request(out, scram.mechanisms());
        auto body = co_await ask(messages, out);
        if (!body) co_return End{}; // disconnected
        const auto response = protocol::parse_sasl_initial_response(*body);
        if (!response.complete || !response.has_data) co_return co_await wrong("no SASL response");
        auto fault = scram.begin(response.mechanism);
        if (!fault) fault = scram.take_first(response.data);
        tls::wipe(*body);
        if (fault) co_return co_await malformed(std::move(*fault));

        out.clear();
        protocol::WipedText challenge(config::scram_digests(),
                                      scram.challenge(secret.salt, secret.iterations));
        protocol::append_sasl_continue(out, *challenge);
        body = co_await ask(messages, out);
        tls::wipe(out);
        if (!body) co_return End{};
        fault = scram.take_final(*body);
        tls::wipe(*body);
        if (fault) co_return co_await malformed(std::move(*fault));
        protocol::WipedDigest client_key(config::scram_digests());
        if (!scram.proves(secret.stored_key, *client_key))
            co_return co_await wrong("wrong password, or no such user");
        out.clear();
        protocol::WipedText signature(config::scram_digests(), scram.signature(secret.server_key));
        protocol::append_sasl_final(out, *signature);
        gone_ = !co_await send(out);
        tls::wipe(out);
        co_return End{};
    }

    // The fault with PostgreSQL's text.
    asio::awaitable<End> malformed(protocol::ScramFault fault) {
        Bytes out;
        protocol::append_error(out, Severity::fatal, {fault.sqlstate, fault.message, fault.detail});
        (void)co_await send(out);
        co_return ConsoleEnd{CloseReason::login_failed, "console: " + fault.message};
    }

    // Sends `out` and waits for the client's answer; nothing: gone_ is set.
    asio::awaitable<std::optional<Bytes>> ask(protocol::MessageBuffer& messages, const Bytes& out) {
        const bool sent = co_await send(out);
        gone_ = !sent;
        while (!gone_) {
            if (const auto message = messages.next()) {
                if (message->type != 'p') break;
                co_return Bytes(message->body.begin(), message->body.end());
            }
            if (messages.broken()) break;
            Bytes piece(limits::read_bytes);
            const std::size_t count = co_await client_.read(piece, no_limit_of_ours);
            gone_ = count == 0;
            messages.feed(ByteView(piece).first(count));
            tls::wipe(piece);
        }
        if (gone_) co_return std::nullopt;
        co_return Bytes{}; // not an answer to the request: the exchange fails because of it
    }

    asio::awaitable<End> wrong(std::string detail) {
        message_ = "password authentication failed for user \"" + user_ + '"';
        Bytes out;
        protocol::append_error(out, Severity::fatal, {"28P01", message_});
        (void)co_await send(out);
        co_return ConsoleEnd{CloseReason::login_failed, "console: " + std::move(detail)};
    }

    asio::awaitable<bool> greet() {
        Bytes out = std::exchange(first_out_, {});
        protocol::append_authentication_ok(out);
        for (const Parameter& parameter : all_parameters())
            if (parameter.kind == Parameter::Kind::told)
                protocol::append_parameter_status(out, parameter.name, parameter.value);
        protocol::append_parameter_status(out, "application_name", login_.startup.application_name);
        protocol::append_parameter_status(out, "session_authorization", user_);
        protocol::append_parameter_status(
            out, "is_superuser", role_ == Role::console_user ? "on" : "off");
        protocol::append_ready_for_query(out, protocol::TransactionStatus::idle);
        co_return co_await send(out);
    }

    // --- statements ------------------------------------------------------------------------------

    asio::awaitable<End> answer_until_the_end() {
        WireSession wire({user_, login_.id, login_.startup.application_name});
        Bytes out;
        Bytes in(limits::read_bytes);
        std::size_t count = 0; // new bytes in `in`
        for (;;) {
            WireSession::Step step = co_await on(worker_, [&] {
                wire.feed(ByteView(in).first(std::exchange(count, 0)));
                return wire.next(out);
            });
            if (std::holds_alternative<WireSession::Look>(step)) {
                auto snapshot = co_await on(main_, [this] { return backend_.look(); });
                co_await on(worker_, [&] {
                    wire.look(std::move(snapshot), out);
                    return true;
                });
                continue;
            }
            if (const auto* act = std::get_if<WireSession::Act>(&step)) {
                const auto error = co_await carry_out(act->deed);
                if (gone_) co_return std::nullopt;
                wire.acted(error, out);
                continue;
            }
            const bool sent = co_await send(out);
            out.clear();
            co_await do_afterwards(); // even if the client has disconnected
            if (const auto* over = std::get_if<WireSession::Over>(&step)) {
                if (over->complaint.empty())
                    co_return ConsoleEnd{CloseReason::client_closed, "client left the console"};
                co_return ConsoleEnd{CloseReason::client_io_error, "console: " + over->complaint};
            }
            if (!sent) co_return std::nullopt;
            if (std::holds_alternative<WireSession::Send>(step)) continue;
            count = co_await client_.read(in, limits::idle_max);
            if (count == 0) co_return std::nullopt;
        }
    }

    // Nothing: done, or to be done after the answer was sent; or gone_ is set.
    asio::awaitable<std::optional<SqlError>> carry_out(const Deed& deed) {
        std::optional<SqlError> error = co_await on(main_, [&] {
            auto refused = admin::refuse(deed, user_, backend_.config());
            if (!refused) refused = set_service(deed, user_, backend_);
            return refused ? refused : kill_all(deed, user_, backend_);
        });
        if (!error && deed.reload) error = co_await reload();
        if (!error) afterwards_ = std::max(afterwards_, deed.afterwards);
        co_return error;
    }

    // Loading runs on a thread of its own, and may take as long as a passphrase command. A server
    // that is stopping does not wait for it.
    asio::awaitable<std::optional<SqlError>> reload() {
        const auto heard = std::make_shared<std::optional<std::string>>(); // on `main_` only
        // Captured by reference: g++ 12 destroys the captures of a lambda in a co_await expression
        // twice.
        co_await on(main_, [&] {
            backend_.reload(user_, [heard](const std::string& wrong) { *heard = wrong; });
            return true;
        });
        asio::steady_timer pause(co_await asio::this_coro::executor);
        for (;;) {
            const auto wrong = co_await on(main_, [&] { return *heard; });
            if (wrong) co_return after_reload(*wrong);
            gone_ = client_.interrupted();
            if (gone_) co_return std::nullopt;
            pause.expires_after(limits::reload_poll);
            co_await pause.async_wait(asio::use_awaitable);
        }
    }

    // After the answer was sent, so that the client knows that its request was received.
    asio::awaitable<void> do_afterwards() {
        const Afterwards what = std::exchange(afterwards_, Afterwards::nothing);
        if (what == Afterwards::nothing) co_return;
        co_await on(main_, [this, &what] {
            if (what == Afterwards::drain)
                backend_.drain(user_);
            else
                backend_.shut_down(user_);
            return true;
        });
    }

    asio::awaitable<bool> send(const Bytes& out) {
        for (ByteView rest(out); !rest.empty();) {
            const ByteView piece = rest.first(std::min(rest.size(), limits::write_bytes));
            const bool written = co_await client_.write(piece, limits::write_time_max);
            if (!written) co_return false;
            rest = rest.subspan(piece.size());
        }
        co_return true;
    }

    // Runs `work` on another thread and returns to this one.
    template <typename Work>
    static asio::awaitable<std::invoke_result_t<Work>> on(asio::any_io_executor thread, Work work) {
        co_return co_await asio::co_spawn(thread, done(std::move(work)), asio::use_awaitable);
    }
    template <typename Work>
    static asio::awaitable<std::invoke_result_t<Work>> done(Work work) {
        co_return work();
    }

    asio::any_io_executor main_;
    asio::any_io_executor worker_;
    Backend& backend_;
    ConsoleClient& client_;
    ConsoleLogin login_;
    std::string user_;
    Role role_ = Role::stats_user;
    Bytes first_out_; // before the first answer, as in PostgreSQL: unknown protocol options
    Afterwards afterwards_ = Afterwards::nothing;
    std::string message_; // of an error, while it is sent
    bool gone_ = false;
};

} // namespace

asio::awaitable<std::optional<ConsoleEnd>> Console::serve(ConsoleClient& client,
                                                          const ConsoleLogin& login) {
    Session session(main_, worker_, backend_, client, login);
    co_return co_await session.run(sessions_);
}

} // namespace pgmoat::admin
