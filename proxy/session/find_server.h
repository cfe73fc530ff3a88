// Finds a server for a login and connects to it: the upstream's hosts in turn, those of the role that
// the health check knows (upstream/reach_by_role.h), or by the role that each login shows
// (role_of_login.h). The client is told nothing here: the session does that, in the words that are
// given. For one session.
#pragma once

#include "protocol/login_observer.h"
#include "protocol/messages.h"
#include "proxy/runtime/services.h"
#include "proxy/session/close_reason.h"
#include "proxy/session/login_clock.h"
#include "proxy/session/role_of_login.h"
#include "proxy/session/session_recorder.h"
#include "proxy/upstream/dial.h"

#include <memory>
#include <optional>
#include <string>
#include <variant>

namespace pgmoat::session {

struct NoServer {
    const protocol::ErrorText* words; // for the client; null: none
    Ended ended;
};

struct WantedServer {
    std::shared_ptr<const runtime::UpstreamTarget> target;
    upstream::Plan plan;
    protocol::Bytes header;    // goes before the first byte; empty: none is wanted
    bool login_is_seen = true; // else its messages are in an encryption that is not ours
};

class ServerFinder {
  public:
    ServerFinder(runtime::ControlThread& thread,
                 const runtime::RuntimeConfig& setup,
                 metrics::ListenerId listener,
                 LoginClock& clock,
                 SessionRecorder& recorder);
    ServerFinder(const ServerFinder&) = delete;
    ServerFinder& operator=(const ServerFinder&) = delete;

    // Whether the listener's upstream would.
    [[nodiscard]] Awaitable<bool> would_encrypt(const std::string& upstream,
                                                runtime::EncryptionRequest request);

    using Found = std::variant<upstream::Server, NoServer>;
    // The client waits and owes nothing, so that its clock stands; what is left on it is as long as
    // a server may need that says nothing.
    [[nodiscard]] Awaitable<Found> find(WantedServer wanted);
    // The server that was found has another role, or cannot be logged in to for the reason `left`.
    [[nodiscard]] Awaitable<Found> find_another(std::string left);

    // While the role is to be learnt in the login; else null.
    [[nodiscard]] RoleOfLogin* role() noexcept { return role_ ? &*role_ : nullptr; }
    void login_came_from(const upstream::ServerRoute& route, const protocol::LoginFacts& login);
    // Forgets the keys that a proven client has left for further servers.
    void login_ended() { role_.reset(); }

    // All waits end at once; what is then found counts for nothing.
    void interrupt();

  private:
    void begin(upstream::Plan& plan);
    Awaitable<Found> dial(upstream::Plan plan);
    Awaitable<upstream::Dialer::Outcome> reach_host(upstream::Plan plan);
    [[nodiscard]] bool learns_role_at_login() const;
    [[nodiscard]] bool is_from_template() const;
    [[nodiscard]] NoServer none_of_role(const std::string& why) const;
    [[nodiscard]] NoServer unreachable(const upstream::GiveUp& gave_up) const;

    runtime::ControlThread& thread_;
    const runtime::RuntimeConfig& setup_;
    const metrics::ListenerId listener_;
    LoginClock& clock_;
    SessionRecorder& recorder_;
    std::shared_ptr<const runtime::UpstreamTarget> target_;
    protocol::Bytes header_;
    std::optional<upstream::Dialer> dialer_;
    std::optional<RoleOfLogin> role_;
    bool interrupted_ = false;
};

} // namespace pgmoat::session
