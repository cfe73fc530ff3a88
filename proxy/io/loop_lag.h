// How late the handlers of a control thread run: a timer that asks for nothing but its turn.
// Whatever holds the thread (a storm of handshakes, a slow disk) makes it late.
#pragma once

#include "metrics/recent_maximum.h"
#include "proxy/io/asio.h"

#include <boost/asio/steady_timer.hpp>

#include <chrono>

namespace pgmoat::io {

class LagMeter {
  public:
    using Clock = std::chrono::steady_clock;

    explicit LagMeter(asio::io_context& context) : timer_(context) {}

    // Once, before the thread runs; ends with the context.
    void start();
    // Any thread.
    [[nodiscard]] Clock::duration recent() const noexcept { return lag_.value(Clock::now()); }

  private:
    asio::steady_timer timer_;
    metrics::RecentMaximum lag_;
};

} // namespace pgmoat::io
