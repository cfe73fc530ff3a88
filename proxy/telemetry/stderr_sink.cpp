#include "proxy/telemetry/stderr_sink.h"

#include <climits>

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

namespace pgmoat::telemetry {

void StderrSink::sink_it_(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    if (torn_ && !write("\n")) {
        ++lost_;
        return;
    }
    if (!write({line.data(), line.size()})) ++lost_;
}

// A writable pipe has room for PIPE_BUF bytes, so a write of up to that does not block.
bool StderrSink::write(std::string_view line) {
    while (!line.empty()) {
        if (!wait_for_room()) return false;
        const std::size_t piece = std::min<std::size_t>(line.size(), PIPE_BUF);
        const ssize_t written = ::write(descriptor_, line.data(), piece);
        if (written < 0 && errno != EINTR && errno != EAGAIN) return false;
        if (written <= 0) continue;
        line.remove_prefix(static_cast<std::size_t>(written));
        torn_ = !line.empty();
    }
    return true;
}

bool StderrSink::wait_for_room() const {
    constexpr int look_again = 100; // milliseconds
    for (;;) {
        const bool is_over = Clock::now().time_since_epoch().count() >= end_.load();
        pollfd wanted{descriptor_, POLLOUT, 0};
        const int ready = ::poll(&wanted, 1, is_over ? 0 : look_again);
        if (ready > 0) return true; // also for an error, which write() will report
        if ((ready < 0 && errno != EINTR) || is_over) return false;
    }
}

} // namespace pgmoat::telemetry
