// A chess clock for a login: time runs for the side that must send next. The client has
// authentication_timeout in total, from accept on; its time runs while pgmoat waits for a packet, a
// handshake flight or an answer from it, and received bytes do not extend it. The server has
// server_login_timeout in total, or no limit: a login trigger may take minutes.
#pragma once

#include "metrics/labels.h"
#include "proxy/io/deadline.h"

#include <functional>
#include <optional>

namespace pgmoat::session {

class LoginClock {
  public:
    using Clock = io::DeadlineQueue::Clock;

    // Starts with the client's side. `expired` is called once, for the side whose time is up; then
    // the clock stops. Zero for the server means no limit.
    LoginClock(io::DeadlineQueue& deadlines,
               Clock::duration client,
               Clock::duration server,
               std::function<void(metrics::Side)> expired);
    LoginClock(const LoginClock&) = delete;
    LoginClock& operator=(const LoginClock&) = delete;

    // This side must send next; the other side's time stops.
    void run(metrics::Side side);
    void stop();
    // The client's remaining time.
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
