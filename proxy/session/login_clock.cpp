#include "proxy/session/login_clock.h"

#include <algorithm>
#include <utility>

namespace pgmoat::session {

LoginClock::LoginClock(io::DeadlineQueue& deadlines,
                       Clock::duration client,
                       Clock::duration server,
                       std::function<void(metrics::Side)> expired)
    : deadlines_(deadlines), client_{client, true}, server_{server,
                                                            server > Clock::duration::zero()},
      expired_(std::move(expired)) {
    run(metrics::Side::client);
}

void LoginClock::run(metrics::Side side) {
    if (running_ == side) return;
    stop();
    running_ = side;
    since_ = Clock::now();
    if (!left(side).limited) return;
    deadline_.emplace(deadlines_, left(side).time, [this, side] {
        stop();
        expired_(side);
    });
}

void LoginClock::stop() {
    deadline_.reset();
    if (!running_) return;
    Left& ran = left(*std::exchange(running_, std::nullopt));
    ran.time = std::max(ran.time - (Clock::now() - since_), Clock::duration::zero());
}

LoginClock::Clock::duration LoginClock::client_has_left() const {
    if (running_ != metrics::Side::client) return client_.time;
    return std::max(client_.time - (Clock::now() - since_), Clock::duration::zero());
}

} // namespace pgmoat::session
