#include "proxy/io/loop_lag.h"

#include "proxy/io/limits.h"

namespace pgmoat::io {

void LagMeter::start() {
    timer_.expires_after(lag_tick);
    timer_.async_wait([this](const error_code& error) {
        if (error) return;
        const auto now = Clock::now();
        lag_.note(now, now - timer_.expiry());
        start();
    });
}

} // namespace pgmoat::io
