// Measures how late the handlers of a control thread run, with a periodic timer that does nothing
// else. Whatever blocks the thread (a storm of handshakes, a slow disk) delays it.
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

    // Call once, before the thread runs; it ends with the context.
    void start();
    // For any thread.
    [[nodiscard]] Clock::duration recent() const noexcept { return lag_.value(Clock::now()); }

  private:
    asio::steady_timer timer_;
    metrics::RecentMaximum lag_;
};

} // namespace pgmoat::io
