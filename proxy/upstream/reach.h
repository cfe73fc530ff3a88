// Reaching a server, as a machine without IO: the hosts of a connection string in order, each of
// their addresses, and for each address the attempts that libpq makes for its sslmode. The driver
// performs the action of a Step and calls resume() with what came of it and with the time. Every
// Connect is a new connection with new TLS state (CVE-2018-10915); the driver drops the one before.
//
//   what went wrong                               | what follows, as in libpq 18
//   ----------------------------------------------+--------------------------------------------
//   the host name has no address                  | the next host
//   socket() or connect() failed                  | the next address, then the next host
//   connect_timeout passed, at any step           | the next address, then the next host
//   the server answered 57P03 (cannot connect now)| the next host; the last one's answer stands
//   TLS handshake failed, sslmode=prefer          | the same address once more, without TLS
//   another error answered, in TLS and =prefer    | the same address once more, without TLS
//   another error answered, in clear and =allow   | the same address once more, with TLS
//   another error answered, else                  | reached: the error is for the client to see
//   N although TLS is required, bad answer, EOF,  | the end: no other address, no other host
//     a lost connection, any other TLS failure    |
//   the host lost the role it was chosen for      | the end: hosts are chosen again by their roles
//
// The time limit of an address (connect_timeout) begins with its first attempt and covers all of
// them, the answer to the start-up packet included. Where it is not set libpq waits for ever; here
// an address that is not the last one gets `patience` at most, so that a black hole in front does
// not cost the whole login. `until` ends everything before the start-up packet was sent. From then
// on the server works (a login trigger may take minutes): connect_timeout and `answer_timeout` count.
//
// Source: PostgreSQL 18, fe-connect.c, PQconnectPoll(), pqConnectDBComplete().
#pragma once

#include "metrics/labels.h"
#include "protocol/server_handshake.h"
#include "proxy/lookups/socket_address.h"

#include <chrono>
#include <cstddef>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace pgmoat::upstream {

using Clock = std::chrono::steady_clock;

// --- what is to be reached -----------------------------------------------------------------------

// How the connection is encrypted, and by whom.
enum class Negotiation {
    by_sslmode, // as the connection string says; TLS is ours
    none,       // what the client sends passes as it is: direct TLS, or a start-up packet in clear
    client_tls, // SSLRequest, which must be answered with S; the TLS that follows is the client's
    client_gss, // GSSENCRequest, which must be answered with G; the rest is the client's
};

// How far one wants to come.
enum class Goal {
    negotiated, // nothing of the client's sent: cancel requests and probes
    answered,   // `opening` sent, and the first of the answer read
};

struct Host {
    std::string name; // for messages and for the server's certificate
    std::uint16_t port = 5432;
    bool local = false;                            // a unix socket: never TLS
    std::vector<lookups::SocketAddress> addresses; // empty: to be looked up by name
    std::string configured = {}; // as it is called elsewhere: `name`, or hostaddr without one
};

struct Plan {
    std::vector<Host> hosts; // in the order to try them; at least one
    protocol::SslMode sslmode = protocol::SslMode::prefer;
    protocol::SslNegotiation sslnegotiation = protocol::SslNegotiation::postgres;
    Negotiation negotiation = Negotiation::by_sslmode;
    Goal goal = Goal::answered;
    // What is sent first: a start-up packet, or the client's ClientHello. Nothing: the first bytes
    // are the client's to send, and the server is reached once it has agreed.
    protocol::Bytes opening;
    bool opening_is_startup = true;     // its answer is read as PostgreSQL's
    Clock::duration connect_timeout{0}; // of each address; 0: none
    Clock::duration patience{0};        // without it, of each address but the last; 0: none
    Clock::time_point until = Clock::time_point::max(); // of all
    Clock::duration answer_timeout{0}; // of the answer to a start-up packet; 0: none
};

// --- what the driver must do ---------------------------------------------------------------------

// Find the addresses of this host. Answer: Addresses or NoAddresses.
struct LookUp {
    std::size_t host;
};
// Drop the connection before and make a new one. Answer: Connected or NotConnected.
struct Connect {
    lookups::SocketAddress address;
};
// Answers as for the handshake machines: Written, BytesRead or EndOfStream, EarlyBytes,
// TlsStarted; or Broken, for TLS TlsFailed.
using protocol::LookForEarlyBytes;
using protocol::ReadExactly;
using protocol::WriteBytes;
struct StartTls {
    std::size_t host; // whose name is on the certificate
};
// Send Plan::opening. Answer: Written or Broken.
struct SendOpening {};
// Read whatever comes. Answer: Received, EndOfStream or Broken.
struct ReadAnswer {};
// The connection is good. The machine is not called again.
struct Reached {
    std::size_t host;
    lookups::SocketAddress address;
    bool tls;               // ours
    protocol::Bytes answer; // to `opening`: the client must get it next
};
// There is no server. The machine is not called again.
struct GiveUp {
    enum class Why {
        unreachable,
        protocol_violation, // something answered that is not PostgreSQL
        not_offered,        // it answered N to the request of a client whose encryption is not ours
        hello_refused,      // it closed on the ClientHello of such a client, without a word
        late,               // Plan::until passed
        slow_answer,        // Plan::answer_timeout passed
        role_lost,          // the host has no longer the role that it was chosen for
        no_host_of_role,    // of reach_by_role.h
    };
    Why why;
    std::string detail; // each attempt in libpq's words, for the log
};

using Action = std::variant<LookUp,
                            Connect,
                            WriteBytes,
                            ReadExactly,
                            LookForEarlyBytes,
                            StartTls,
                            SendOpening,
                            ReadAnswer,
                            Reached,
                            GiveUp>;

struct Step {
    Action action;
    Clock::time_point until; // then the answer is TimedOut; max(): no limit
};

// --- what the driver tells -----------------------------------------------------------------------

using protocol::Begin;
using protocol::BytesRead;
using protocol::EarlyBytes;
using protocol::EndOfStream;
using protocol::TlsStarted;
using protocol::Written;
struct Addresses {
    std::vector<lookups::SocketAddress> found; // at least one
};
struct NoAddresses {
    std::string why;
};
struct Connected {};
struct NotConnected {
    int error; // errno
};
struct Received {
    protocol::ByteView bytes;
};
struct TlsFailed {
    std::string why;
};
// Reading or writing failed.
struct Broken {
    std::string why;
};
// The step's time limit passed.
struct TimedOut {};
// The host that is tried was chosen for a role that it has no longer.
struct RoleLost {};

using Result = std::variant<Begin,
                            Addresses,
                            NoAddresses,
                            Connected,
                            NotConnected,
                            Written,
                            BytesRead,
                            EndOfStream,
                            EarlyBytes,
                            TlsStarted,
                            TlsFailed,
                            Received,
                            Broken,
                            TimedOut,
                            RoleLost>;

// One attempt on one address (or a failed look-up), for metrics and for those who ask how a host is.
struct Attempted {
    std::size_t host;
    metrics::ConnectResult result;
    Clock::duration took;
    std::string address; // empty: the name was not resolved
    std::string failure; // empty: it succeeded
};

class Reach {
  public:
    explicit Reach(Plan plan);

    // The first call passes Begin. A result that does not answer the last action is a bug in the
    // driver and asserts. Must not be called again after Reached or GiveUp.
    [[nodiscard]] Step resume(Clock::time_point now, const Result& result);

    [[nodiscard]] const Plan& plan() const noexcept { return plan_; }
    // That is tried.
    [[nodiscard]] const Host& host() const { return plan_.hosts[host_]; }
    // The attempts that have ended since it was called last.
    [[nodiscard]] std::vector<Attempted> take_attempts();
    // What has failed so far, and what is being waited for, for the log.
    [[nodiscard]] std::string detail() const;

  private:
    enum class State {
        start,
        look_up,
        connect,
        handshake, // the inner machine's turn
        request,   // of a client whose encryption is not ours
        request_answer,
        request_early,
        opening,
        answer,
        done,
    };
    using Failure = protocol::AttemptFailure;

    Step on(const Begin& begin);
    Step on(const Addresses& addresses);
    Step on(const NoAddresses& none);
    Step on(const Connected& connected);
    Step on(const NotConnected& failed);
    Step on(const Written& written);
    Step on(const BytesRead& read);
    Step on(const EndOfStream& end);
    Step on(const EarlyBytes& early);
    Step on(const TlsStarted& started);
    Step on(const TlsFailed& failed);
    Step on(const Received& received);
    Step on(const Broken& broken);
    Step on(const TimedOut& timed_out);
    Step on(const RoleLost& lost);

    Step try_host(std::size_t host);
    Step try_address(std::size_t address);
    Step next_address();
    Step connect(protocol::Attempt how);
    Step shake_hands(const protocol::ServerHandshakeInput& input);
    Step refused(const protocol::FailAttempt& failed);
    Step negotiated(bool tls);
    Step judge_answer();
    // Another attempt at this address, as sslmode says; else nothing.
    std::optional<Step> another_attempt(Failure why);

    Step reached();
    Step give_up(GiveUp::Why why);
    Step stop(metrics::ConnectResult result,
              const std::string& what,
              GiveUp::Why why = GiveUp::Why::unreachable);
    Step act(Action action);

    void note(const std::string& what);
    void count(metrics::ConnectResult result);
    [[nodiscard]] std::string where() const;
    [[nodiscard]] protocol::SslMode mode() const;
    [[nodiscard]] bool is_last_host() const { return host_ + 1 == plan_.hosts.size(); }
    void begin_limit(bool last);

    Plan plan_;
    State state_ = State::start;
    Clock::time_point now_;
    std::size_t host_ = 0;
    std::size_t address_ = 0;
    std::vector<lookups::SocketAddress> addresses_; // of the host
    protocol::Attempt how_ = protocol::Attempt::plain;
    std::optional<protocol::ServerHandshake> handshake_;
    bool tls_ = false;
    bool sent_ = false; // the start-up packet: the server works
    protocol::Bytes answer_;
    Clock::time_point address_until_ = Clock::time_point::max();
    Clock::time_point answer_until_ = Clock::time_point::max();
    bool limit_is_patience_ = false;
    Clock::time_point began_; // the attempt
    std::vector<Attempted> attempts_;
    std::string failure_; // of the attempt
    std::string detail_;
};

} // namespace pgmoat::upstream
