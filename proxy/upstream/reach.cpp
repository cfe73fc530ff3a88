// Task: the table in reach.h as code. Rule: only this file changes the state; nothing that a server
// sends can make it assert.
#include "proxy/upstream/reach.h"

#include "protocol/limits.h"
#include "protocol/login_observer.h"
#include "protocol/messages.h"
#include "protocol/startup.h"
#include "proxy/upstream/limits.h"

#include <algorithm>
#include <cassert>
#include <cerrno>
#include <system_error>
#include <utility>

namespace pgmoat::upstream {

using metrics::ConnectResult;
using protocol::Attempt;
using protocol::AttemptFailure;
using protocol::Bytes;
using protocol::ByteView;

namespace {

// SQLSTATE of an ErrorResponse that is the whole answer; empty: it is something else.
std::string sqlstate_of(ByteView answer) {
    protocol::LoginObserver observer(false);
    Bytes ignored;
    (void)observer.observe(answer, ignored);
    return observer.facts().error_sqlstate;
}

bool is_error(const Bytes& answer) {
    return !answer.empty() && answer[0] == 'E';
}

bool is_whole(const Bytes& answer) {
    if (answer.size() < 5) return false;
    const std::uint32_t length = protocol::read_uint32(ByteView(answer).subspan(1, 4));
    return answer.size() >= std::size_t{length} + 1;
}

ConnectResult result_of(int error) {
    switch (error) {
    case ECONNREFUSED: return ConnectResult::refused;
    case ETIMEDOUT: return ConnectResult::timeout;
    case ENETUNREACH:
    case EHOSTUNREACH: return ConnectResult::unreachable;
    default: return ConnectResult::other;
    }
}

Bytes request(std::uint32_t code) {
    Bytes packet;
    protocol::append_uint32(packet, protocol::startup_length_min);
    protocol::append_uint32(packet, code);
    return packet;
}

constexpr std::string_view closed_unexpectedly = "server closed the connection unexpectedly";
// These may happen in any step, which is then named.
constexpr std::string_view timeout_expired = "timeout expired";
constexpr std::string_view role_lost = "lost the role that is asked for";

} // namespace

Reach::Reach(Plan plan) : plan_(std::move(plan)) {
    assert(!plan_.hosts.empty());
}

Step Reach::resume(Clock::time_point now, const Result& result) {
    assert(state_ != State::done);
    now_ = now;
    return std::visit([this](const auto& told) { return on(told); }, result);
}

std::vector<Attempted> Reach::take_attempts() {
    return std::exchange(attempts_, {});
}

// --- hosts and addresses -------------------------------------------------------------------------

Step Reach::on(const Begin& /*begin*/) {
    assert(state_ == State::start);
    return try_host(0);
}

Step Reach::try_host(std::size_t which) {
    if (which >= plan_.hosts.size()) return give_up(GiveUp::Why::unreachable);
    host_ = which;
    addresses_ = host().addresses;
    began_ = now_;
    if (!addresses_.empty()) return try_address(0);
    state_ = State::look_up;
    begin_limit(is_last_host());
    return act(LookUp{host_});
}

Step Reach::on(const Addresses& addresses) {
    assert(state_ == State::look_up && !addresses.found.empty());
    addresses_ = addresses.found;
    return try_address(0);
}

Step Reach::on(const NoAddresses& none) {
    assert(state_ == State::look_up);
    note(none.why);
    count(ConnectResult::name_not_resolved);
    return try_host(host_ + 1);
}

Step Reach::try_address(std::size_t which) {
    if (which >= addresses_.size()) return try_host(host_ + 1);
    address_ = which;
    state_ = State::connect;
    begin_limit(is_last_host() && which + 1 == addresses_.size());
    if (plan_.negotiation != Negotiation::by_sslmode) return connect(Attempt::plain);
    return connect(protocol::first_attempt(mode(), plan_.sslnegotiation, host().local));
}

Step Reach::next_address() {
    return try_address(address_ + 1);
}

void Reach::begin_limit(bool last) {
    address_until_ = Clock::time_point::max();
    limit_is_patience_ = plan_.connect_timeout == Clock::duration::zero();
    if (!limit_is_patience_) {
        address_until_ = now_ + plan_.connect_timeout;
    } else if (!last && plan_.patience > Clock::duration::zero()) {
        const auto left = std::max(plan_.until - now_, Clock::duration::zero());
        address_until_ = now_ + std::min<Clock::duration>(plan_.patience, left / 2);
    }
}

// --- one attempt ---------------------------------------------------------------------------------

Step Reach::connect(Attempt how) {
    how_ = how;
    tls_ = false;
    sent_ = false;
    answer_.clear();
    handshake_.reset();
    began_ = now_;
    state_ = State::connect;
    return act(Connect{addresses_[address_]});
}

Step Reach::on(const Connected& /*connected*/) {
    assert(state_ == State::connect);
    switch (plan_.negotiation) {
    case Negotiation::by_sslmode:
        handshake_.emplace(how_);
        state_ = State::handshake;
        return shake_hands(Begin{});
    case Negotiation::none: return negotiated(false);
    case Negotiation::client_tls:
        state_ = State::request;
        return act(WriteBytes{request(protocol::ssl_request_code)});
    case Negotiation::client_gss:
        state_ = State::request;
        return act(WriteBytes{request(protocol::gssenc_request_code)});
    }
    return stop(ConnectResult::other, "unknown negotiation");
}

Step Reach::on(const NotConnected& failed) {
    assert(state_ == State::connect);
    note(std::generic_category().message(failed.error));
    count(result_of(failed.error));
    return next_address();
}

Step Reach::shake_hands(const protocol::ServerHandshakeInput& input) {
    using namespace protocol;
    ServerHandshakeAction action = handshake_->resume(input);
    if (auto* write = std::get_if<protocol::WriteBytes>(&action)) return act(std::move(*write));
    if (auto* read = std::get_if<protocol::ReadExactly>(&action)) return act(*read);
    if (std::holds_alternative<protocol::LookForEarlyBytes>(action))
        return act(upstream::LookForEarlyBytes{});
    if (std::holds_alternative<StartClientTls>(action)) return act(StartTls{host_});
    if (auto* failed = std::get_if<FailAttempt>(&action)) return refused(*failed);
    return negotiated(std::get<ServerReady>(action).tls);
}

Step Reach::refused(const protocol::FailAttempt& failed) {
    using Reason = protocol::FailAttempt::Reason;
    const std::string what(failed.log_text);
    switch (failed.reason) {
    case Reason::end_of_stream: return stop(ConnectResult::closed, what);
    case Reason::tls_refused: return stop(ConnectResult::tls_not_offered, what);
    case Reason::no_alpn: return stop(ConnectResult::tls_failed, what);
    case Reason::bad_answer:
    case Reason::early_bytes: break;
    }
    note(what);
    count(ConnectResult::protocol_violation);
    return give_up(GiveUp::Why::protocol_violation);
}

// The client was promised this encryption, so nothing else will do.
Step Reach::on(const BytesRead& read) {
    if (state_ == State::handshake) return shake_hands(read);
    assert(state_ == State::request_answer && read.bytes.size() == 1);
    const bool gss = plan_.negotiation == Negotiation::client_gss;
    const char answer = static_cast<char>(read.bytes[0]);
    if (answer == (gss ? 'G' : 'S')) {
        state_ = State::request_early;
        return act(LookForEarlyBytes{});
    }
    if (answer == 'N')
        return stop(ConnectResult::tls_not_offered,
                    gss ? "server does not support GSSAPI encryption"
                        : "server does not support SSL",
                    GiveUp::Why::not_offered);
    note(answer == 'E' ? "server sent an error response during SSL exchange"
                       : "received invalid response to SSL negotiation");
    count(ConnectResult::protocol_violation);
    return give_up(GiveUp::Why::protocol_violation);
}

Step Reach::on(const EarlyBytes& early) {
    if (state_ == State::handshake) return shake_hands(early);
    assert(state_ == State::request_early);
    if (!early.present) return negotiated(false);
    note("received unencrypted data after SSL response"); // CVE-2021-23222
    count(ConnectResult::protocol_violation);
    return give_up(GiveUp::Why::protocol_violation);
}

Step Reach::on(const TlsStarted& started) {
    return shake_hands(started);
}

Step Reach::on(const TlsFailed& failed) {
    assert(state_ == State::handshake);
    note(failed.why);
    count(ConnectResult::tls_failed);
    if (auto again = another_attempt(AttemptFailure::tls_handshake)) return *again;
    return give_up(GiveUp::Why::unreachable);
}

Step Reach::negotiated(bool tls) {
    tls_ = tls;
    count(ConnectResult::connected);
    if (plan_.goal == Goal::negotiated || plan_.opening.empty()) return reached();
    state_ = State::opening;
    return act(SendOpening{});
}

Step Reach::on(const Written& written) {
    switch (state_) {
    case State::handshake: return shake_hands(written);
    case State::request: state_ = State::request_answer; return act(ReadExactly{1});
    default: break;
    }
    assert(state_ == State::opening);
    state_ = State::answer;
    sent_ = plan_.opening_is_startup;
    answer_until_ = plan_.answer_timeout > Clock::duration::zero() && sent_
                        ? now_ + plan_.answer_timeout
                        : Clock::time_point::max();
    return act(ReadAnswer{});
}

// --- the answer ----------------------------------------------------------------------------------

// libpq decides about errors of up to 30000 bytes; a longer one is for the client alone.
Step Reach::on(const Received& received) {
    assert(state_ == State::answer && !received.bytes.empty());
    answer_.insert(answer_.end(), received.bytes.begin(), received.bytes.end());
    if (!plan_.opening_is_startup || !is_error(answer_)) return reached();
    if (!is_whole(answer_) && answer_.size() < first_error_bytes_max) return act(ReadAnswer{});
    return judge_answer();
}

Step Reach::judge_answer() {
    const std::string sqlstate = sqlstate_of(answer_);
    const std::string what = "the server refused the connection with SQLSTATE " +
                             (sqlstate.empty() ? std::string("unknown") : sqlstate);
    if (sqlstate == "57P03") {
        if (is_last_host()) return reached();
        note(what);
        return try_host(host_ + 1);
    }
    const std::size_t known = detail_.size();
    note(what);
    if (auto again = another_attempt(AttemptFailure::server_error)) return *again;
    detail_.resize(known);
    return reached();
}

std::optional<Step> Reach::another_attempt(AttemptFailure why) {
    if (plan_.negotiation != Negotiation::by_sslmode) return std::nullopt;
    const bool tls_was_used = why == AttemptFailure::tls_handshake || tls_;
    const auto how = protocol::next_attempt(mode(), how_, why, tls_was_used);
    if (!how) return std::nullopt;
    return connect(*how);
}

// --- what ends an attempt or all of them ---------------------------------------------------------

Step Reach::on(const EndOfStream& end) {
    if (state_ == State::handshake) return shake_hands(end);
    // Part of an error is the client's to see; it shows what it can of it.
    if (state_ == State::answer && !answer_.empty()) return reached();
    const bool after_hello = state_ == State::answer && !plan_.opening_is_startup;
    return stop(ConnectResult::closed,
                std::string(closed_unexpectedly),
                after_hello ? GiveUp::Why::hello_refused : GiveUp::Why::unreachable);
}

Step Reach::on(const Broken& broken) {
    return stop(ConnectResult::closed, broken.why);
}

// The limit of one address, unless it is all's that passed.
Step Reach::on(const TimedOut& /*timed_out*/) {
    const bool all = !sent_ && now_ >= plan_.until;
    note(std::string(timeout_expired));
    count(state_ == State::look_up ? ConnectResult::name_not_resolved : ConnectResult::timeout);
    if (all) return give_up(GiveUp::Why::late);
    if (sent_ && now_ >= answer_until_) return give_up(GiveUp::Why::slow_answer);
    return state_ == State::look_up ? try_host(host_ + 1) : next_address();
}

// The other hosts of the plan were chosen by roles of the same moment: they may have changed, too.
Step Reach::on(const RoleLost& /*lost*/) {
    return stop(ConnectResult::other, std::string(role_lost), GiveUp::Why::role_lost);
}

Step Reach::stop(ConnectResult result, const std::string& what, GiveUp::Why why) {
    note(what);
    count(result);
    return give_up(why);
}

Step Reach::reached() {
    state_ = State::done;
    return {Reached{host_, addresses_[address_], tls_, std::move(answer_)},
            Clock::time_point::max()};
}

Step Reach::give_up(GiveUp::Why why) {
    state_ = State::done;
    return {GiveUp{why, detail_}, Clock::time_point::max()};
}

Step Reach::act(Action action) {
    auto until = address_until_;
    if (sent_) {
        if (limit_is_patience_) until = Clock::time_point::max();
        until = std::min(until, answer_until_);
    } else {
        until = std::min(until, plan_.until);
    }
    return {std::move(action), until};
}

// --- words ---------------------------------------------------------------------------------------

namespace {

void append(std::string& text, const std::string& where, const std::string& what) {
    if (!text.empty()) text += "; ";
    text += where + ": " + what;
}

} // namespace

std::string Reach::where() const {
    if (state_ == State::look_up || addresses_.empty()) return host().name;
    return lookups::to_text(addresses_[address_]);
}

void Reach::note(const std::string& what) {
    const auto doing = [this]() -> std::string {
        switch (state_) {
        case State::look_up: return " while its name was looked up";
        case State::connect: return " while it was connected to";
        case State::handshake:
        case State::request:
        case State::request_answer:
        case State::request_early: return " during the negotiation of TLS";
        case State::opening:
        case State::answer: return " before the first packet was answered";
        default: return {};
        }
    };
    const bool in_any_step = what == timeout_expired || what == role_lost;
    failure_ = in_any_step ? what + doing() : what;
    append(detail_, where(), failure_);
}

std::string Reach::detail() const {
    return detail_;
}

void Reach::count(ConnectResult result) {
    const bool has_address = state_ != State::look_up && !addresses_.empty();
    attempts_.push_back({host_,
                         result,
                         now_ - began_,
                         has_address ? lookups::to_text(addresses_[address_]) : std::string(),
                         std::exchange(failure_, {})});
}

protocol::SslMode Reach::mode() const {
    return host().local ? protocol::SslMode::disable : plan_.sslmode;
}

} // namespace pgmoat::upstream
