// Who owes the next move of a login, and for how long: a chess clock. The client's side has
// authentication_timeout in all, from accept on; it runs while a packet, a handshake flight or an
// answer of the client's is waited for, and no byte of it gives it more. The server's side has
// server_login_timeout in all, or no limit: a login trigger may take minutes.
#pragma once

#include "metrics/labels.h"
#include "proxy/io/deadline.h"

#include <functional>
#include <optional>

namespace pgmoat::session {

class LoginClock {
  public:
    using Clock = io::DeadlineQueue::Clock;

    // The client's side runs at once. `expired` is called once, for the side whose time is up; then
    // the clock stands. A zero time of the server is no limit.
    LoginClock(io::DeadlineQueue& deadlines,
               Clock::duration client,
               Clock::duration server,
               std::function<void(metrics::Side)> expired);
    LoginClock(const LoginClock&) = delete;
    LoginClock& operator=(const LoginClock&) = delete;

    // This side owes the next move; the other one's clock stands.
    void run(metrics::Side side);
    void stop();
    // What is left of the client's time.
    [[nodiscard]] Clock::duration client_has_left() const;

  private:
    struct Left {
        Clock::duration time;
        bool limited;
    };
    Left& left(metrics::Side side) { return side == metrics::Side::client ? client_ : server_; }

    io::DeadlineQueue& deadlines_;
    Left client_;
    Left server_;
    std::function<void(metrics::Side)> expired_;
    std::optional<metrics::Side> running_;
    Clock::time_point since_;
    std::optional<io::Deadline> deadline_;
};

} // namespace pgmoat::session
